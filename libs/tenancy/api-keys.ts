// How is a caller known? By a random key of 256 bits, of which only a hash is stored: it can't be guessed, so a slow
// hash would buy nothing. The principal of a key is remembered for a few seconds, and a revoked key may be accepted for
// as long. A key in steady use is read again before that, so that no request waits for it. However many requests come
// with a key that is not remembered, one statement asks for it.
import { hash, randomBytes } from 'node:crypto';
import type { Database } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import type { Clock } from '#kernel/clock.js';
import type { TenantId } from '#kernel/ids.js';
import { Remembered } from '#kernel/remembered.js';
import { findPrincipal, insertApiKey, nameConfiguredKey, noteKeysUsed } from './api-key.repository.js';
import type { Principal, TenantRole } from './decisions/api-key.js';

export interface NewApiKey {
  id: string;
  name: string;
  /** Shown once; the database keeps only its hash. */
  secret: string;
}

/** As it came, with its hash in hexadecimal digits. */
export interface HashedKey {
  readonly secret: string;
  readonly hash: string;
}

/** The part of a secret that is shown, so that its keeper recognises it. */
const SHOWN_LENGTH = 4;

export async function createApiKey(
  db: Database,
  owner: { tenantId: TenantId; tenantName: string; name: string; role?: TenantRole },
): Promise<NewApiKey> {
  const { tenantId, name, role = 'tenant-admin' } = owner;
  const begin = `sk_${owner.tenantName}_`;
  const secret = `${begin}${randomBytes(32).toString('base64url')}`;
  const id = randomUUIDv7();
  const prefix = secret.slice(0, begin.length + SHOWN_LENGTH);
  await insertApiKey(db, { id, tenantId, name, prefix, hash: hashKey(secret), role });
  return { id, name, secret };
}

/** Names the key as an administrator's of our configuration. False when it was revoked, or a tenant has it. */
export async function nameAdminKey(db: Database, secret: string): Promise<boolean> {
  const prefix = secret.slice(0, SHOWN_LENGTH);
  return nameConfiguredKey(db, { id: randomUUIDv7(), prefix, hash: hashKey(secret) });
}

const REMEMBERED_MS = 5_000;
const AGAIN_MS = 2_500;
const REMEMBERED_MAX = 10_000;

interface KnownKey {
  principal: Principal | undefined;
  readAtMs: number;
  isReadAgain: boolean;
}

export class KeyRing {
  readonly #remembered = new Remembered<string, KnownKey>({ max: REMEMBERED_MAX });
  readonly #reading = new Map<string, Promise<Principal | undefined>>();
  readonly #used = new Set<string>();

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    /** The administrator's key that this replica is configured with. */
    private readonly configured?: string,
  ) {}

  /** Undefined for a key that was never made, or was revoked. */
  async principalOf(key: HashedKey): Promise<Principal | undefined> {
    const remembered = this.#remembered.get(key.hash);
    if (remembered === undefined) return this.#read(key);
    const ageMs = this.clock.monotonicMs() - remembered.readAtMs;
    if (ageMs >= REMEMBERED_MS) return this.#read(key);
    if (ageMs >= AGAIN_MS && !remembered.isReadAgain) {
      remembered.isReadAgain = true;
      void this.#read(key).catch(() => undefined); // a request will find out what is wrong
    }
    return remembered.principal;
  }

  /** A key was revoked here. */
  forget(): void {
    this.#remembered.clear();
    this.#reading.clear();
  }

  /** False when the configured key can't be an administrator's: it was revoked, or a tenant has it. */
  async nameConfigured(): Promise<boolean> {
    return this.configured === undefined || nameAdminKey(this.db, this.configured);
  }

  /** Writes down which keys were used since the last time. */
  async noteUsed(): Promise<void> {
    const ids = [...this.#used];
    if (ids.length === 0) return;
    await noteKeysUsed(this.db, ids);
    for (const id of ids) this.#used.delete(id);
  }

  #read(key: HashedKey): Promise<Principal | undefined> {
    const under = this.#reading.get(key.hash);
    if (under !== undefined) return under;
    const reading: Promise<Principal | undefined> = this.#ask(
      key,
      () => this.#reading.get(key.hash) === reading,
    ).finally(() => {
      if (this.#reading.get(key.hash) === reading) this.#reading.delete(key.hash);
    });
    this.#reading.set(key.hash, reading);
    return reading;
  }

  /** A key that was asked for before one was revoked here is not remembered. */
  async #ask(key: HashedKey, isNews: () => boolean): Promise<Principal | undefined> {
    const readAtMs = this.clock.monotonicMs();
    const found = (await findPrincipal(this.db, bytesOf(key))) ?? (await this.#nameAndFind(key));
    if (found !== undefined) this.#used.add(found.id);
    const { principal } = found ?? {};
    if (!isNews()) return principal;
    this.#remembered.set(key.hash, { principal, readAtMs, isReadAgain: false });
    return principal;
  }

  /** After a step of the database's clock, or a long time without the database, our own key may seem to have ended. */
  async #nameAndFind(key: HashedKey) {
    const isOurs = this.configured !== undefined && bytesOf(key).equals(hashKey(this.configured));
    if (!isOurs || !(await nameAdminKey(this.db, key.secret))) return undefined;
    return findPrincipal(this.db, bytesOf(key));
  }
}

export function hashedKey(secret: string): HashedKey {
  return { secret, hash: hash('sha256', secret) };
}

function bytesOf(key: HashedKey): Buffer {
  return Buffer.from(key.hash, 'hex');
}

function hashKey(secret: string): Buffer {
  return bytesOf(hashedKey(secret));
}
