// How is a caller known? By a random key of 256 bits, of which only a hash is stored: it can't be guessed,
// so a slow hash would buy nothing. What a key stands for is remembered for a few seconds, which is how
// long a revoked one may go on being accepted.
import { createHash, randomBytes } from 'node:crypto';
import type { Database } from '#database/connection.js';
import { randomUUID } from '#database/runtime/uuid.js';
import type { Clock } from '#kernel/clock.js';
import type { TenantId } from '#kernel/ids.js';
import { findPrincipal, insertApiKey } from './api-key.repository.js';
import type { Principal, TenantRole } from './decisions/api-key.js';

export interface NewApiKey {
  id: string;
  name: string;
  /** Shown once; afterwards nobody can tell it. */
  secret: string;
}

/** A key for a tenant, or with no tenant for the whole installation. */
export async function createApiKey(
  db: Database,
  owner: { tenantId: TenantId | null; tenantName: string; name: string; role?: TenantRole },
): Promise<NewApiKey> {
  const secret = `sk_${owner.tenantName}_${randomBytes(32).toString('base64url')}`;
  const id = randomUUID();
  const role = owner.tenantId === null ? 'admin' : (owner.role ?? 'tenant-admin');
  await insertApiKey(db, { id, tenantId: owner.tenantId, name: owner.name, hash: hashKey(secret), role });
  return { id, name: owner.name, secret };
}

/** Makes sure that a key chosen by the operator is accepted as an admin's. */
export async function acceptAdminKey(db: Database, secret: string): Promise<void> {
  if ((await findPrincipal(db, hashKey(secret))) !== undefined) return;
  await insertApiKey(db, {
    id: randomUUID(),
    tenantId: null,
    name: 'from configuration',
    hash: hashKey(secret),
    role: 'admin',
  });
}

const REMEMBERED_MS = 5_000;
const REMEMBERED_MAX = 10_000;

export class KeyRing {
  readonly #remembered = new Map<string, { principal: Principal | undefined; readAtMs: number }>();

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
  ) {}

  /** Undefined for a key that nobody was given, or that was revoked. */
  async principalOf(secret: string): Promise<Principal | undefined> {
    const hash = hashKey(secret);
    const key = hash.toString('hex');
    const nowMs = this.clock.monotonicMs();
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined && nowMs - remembered.readAtMs < REMEMBERED_MS) return remembered.principal;
    const principal = await findPrincipal(this.db, hash);
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.set(key, { principal, readAtMs: nowMs });
    return principal;
  }
}

function hashKey(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
