// How does a worker or an endpoint prove that a lease is its own? By a token: the lease's id, sealed with the
// installation's secret. The token is not stored, an id without its seal opens nothing, and the same lease always has
// the same token, so it can be sent again to a worker that missed the first answer.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { asId, type LeaseId } from '#kernel/ids.js';

const ID_BYTES = 16;
const TOKEN_BYTES = ID_BYTES + 32;

export class LeaseTokens {
  constructor(private readonly secret: Buffer) {}

  /** 64 characters that can stand in a URL. */
  tokenOf(id: LeaseId): string {
    const bytes = Buffer.from(id.replaceAll('-', ''), 'hex');
    return Buffer.concat([bytes, this.#seal(bytes)]).toString('base64url');
  }

  /** Null for a token that this installation never made. */
  leaseOf(token: string): LeaseId | null {
    const bytes = Buffer.from(token, 'base64url');
    // Decoding skips characters that are not base64; only one spelling counts.
    if (bytes.length !== TOKEN_BYTES || bytes.toString('base64url') !== token) return null;
    const id = bytes.subarray(0, ID_BYTES);
    if (!timingSafeEqual(bytes.subarray(ID_BYTES), this.#seal(id))) return null;
    return asId.lease(id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
  }

  #seal(id: Buffer): Buffer {
    return createHmac('sha256', this.secret).update('lease:').update(id).digest();
  }
}

/**
 * Milliseconds since 1970 at which the lease was named; null for one that a worker pulled (RFC 9562: version 7 tells
 * the time).
 */
export function namedAtMs(id: LeaseId): number | null {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : null;
}
