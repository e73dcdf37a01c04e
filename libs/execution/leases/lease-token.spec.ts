// Does a token open its own lease, and nothing else?
import { randomBytes, randomUUID, randomUUIDv7 } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { LeaseTokens, namedAtMs } from './lease-token.js';

const tokens = new LeaseTokens(randomBytes(32));
const id = asId.lease(randomUUID());

describe('a lease token', () => {
  it('leads to its lease, and is always the same', () => {
    const token = tokens.tokenOf(id);
    expect(token).toMatch(/^[\w-]{64}$/);
    expect(tokens.tokenOf(id)).toBe(token);
    expect(tokens.leaseOf(token)).toBe(id);
  });

  it('of another installation opens nothing', () => {
    expect(new LeaseTokens(randomBytes(32)).leaseOf(tokens.tokenOf(id))).toBeNull();
  });

  it('opens nothing once a single character is another', () => {
    const token = tokens.tokenOf(id);
    fc.assert(
      fc.property(fc.nat(63), fc.stringMatching(/^[\w-]$/), (place, character) => {
        const changed = token.slice(0, place) + character + token.slice(place + 1);
        expect(tokens.leaseOf(changed)).toBe(changed === token ? id : null);
      }),
    );
  });

  it('is refused when it is anything else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(tokens.leaseOf(text)).toBeNull();
      }),
    );
    expect(tokens.leaseOf(`${tokens.tokenOf(id)}=`)).toBeNull();
  });
});

it('a lease that was named for a push tells when', () => {
  const before = Date.now();
  const at = namedAtMs(asId.lease(randomUUIDv7()));
  expect(at).toBeGreaterThanOrEqual(before);
  expect(at).toBeLessThanOrEqual(Date.now());
  expect(namedAtMs(id)).toBeNull();
});
