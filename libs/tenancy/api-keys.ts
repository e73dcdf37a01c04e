// How is a caller known? By a random key of 256 bits, of which only a hash is stored: it can't be guessed,
// so a slow hash would buy nothing. What a key stands for is remembered for a few seconds, which is how
// long a revoked one may go on being accepted. One in steady use is read again before that, so that no request
// waits for it.
import { hash, randomBytes } from 'node:crypto';
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
const AGAIN_MS = 2_500;
const REMEMBERED_MAX = 10_000;

interface Remembered {
  principal: Principal | undefined;
  readAtMs: number;
  isReadAgain: boolean;
}

export class KeyRing {
  readonly #remembered = new Map<string, Remembered>();

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
  ) {}

  /** Undefined for a key that nobody was given, or that was revoked. */
  async principalOf(secret: string): Promise<Principal | undefined> {
    const hashed = hashKey(secret);
    const remembered = this.#remembered.get(hashed.toString('hex'));
    if (remembered === undefined) return this.#read(hashed);
    const ageMs = this.clock.monotonicMs() - remembered.readAtMs;
    if (ageMs >= REMEMBERED_MS) return this.#read(hashed);
    if (ageMs >= AGAIN_MS && !remembered.isReadAgain) {
      remembered.isReadAgain = true;
      void this.#read(hashed).catch(() => undefined); // then a request will find out what is wrong
    }
    return remembered.principal;
  }

  /** A key was revoked here. */
  forget(): void {
    this.#remembered.clear();
  }

  async #read(hashed: Buffer): Promise<Principal | undefined> {
    const readAtMs = this.clock.monotonicMs();
    const principal = await findPrincipal(this.db, hashed);
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.set(hashed.toString('hex'), { principal, readAtMs, isReadAgain: false });
    return principal;
  }
}

function hashKey(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}
