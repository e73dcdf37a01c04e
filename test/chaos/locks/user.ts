// What does a user of locks do? It acquires, writes for a while into what the locks protect, releases, and begins again. It
// is rash: it never asks whether it still holds them before it writes, so it is only the check of the token, in the
// transaction that writes, that keeps it from doing harm after it was frozen or cut off.
import { setTimeout as rest } from 'node:timers/promises';
import pg from 'pg';
import { LockNotAcquired } from '#client/locks/lock-errors.js';
import type { HeldLocks } from '#client/locks/held-locks.js';
import type { LockClient, LockWish } from '#client/locks/locks.js';
import type { Dice } from '../dice.js';
import { monotonicMs, writeLine, type LockLine, type TakenLock } from './lock-log.js';
import { drawnWish, LEASE_SECONDS, LOCK_TENANT, WAIT_SECONDS } from './lock-plan.js';

const WRITES = { min: 1, max: 6 };
const IN_TRANSACTION_MS = { min: 0, max: 200 };
/** Some hold for longer than a renewal takes to come, and than what is left of a lease when they are cut off. */
const BETWEEN_MS = { min: 20, max: 600 };
const THINK_MS = { min: 200, max: 1_500 };
/** What the database answers for a token that is stale. */
const STALE = '55000';

type Said<Line = LockLine> = Line extends LockLine ? Omit<Line, 'atMs'> : never;

export interface UserParts {
  name: string;
  client: LockClient;
  pool: pg.Pool;
  dice: Dice;
  file: string;
}

export class LockUser {
  readonly #parts: UserParts;
  #held: { readonly id: string; readonly locks: HeldLocks } | null = null;
  #count = 0;

  constructor(parts: UserParts) {
    this.#parts = parts;
  }

  /** What it holds and is sure of. */
  get sureOf(): string[] {
    return this.#held?.locks.isHeld() === true ? [this.#held.id] : [];
  }

  /** Until its process ends. */
  async work(): Promise<never> {
    for (;;) {
      await this.#pause(THINK_MS);
      await this.#useOnce();
    }
  }

  async #useOnce(): Promise<void> {
    const { client, dice, name } = this.#parts;
    const wishes = drawnWish(dice);
    const id = `${name}/${(this.#count += 1)}`;
    this.#say({ kind: 'asked', id, user: name, locks: wishes.map((wish) => wish.name) });
    try {
      const locks = await client.acquire(wishes, { leaseSeconds: LEASE_SECONDS, waitSeconds: WAIT_SECONDS });
      const atMs = monotonicMs();
      this.#say({ kind: 'acquired', id, taken: takenOf(wishes, locks), isSure: locks.isHeld() }, atMs);
      this.#held = { id, locks };
      for (let left = dice.between(WRITES.min, WRITES.max); left > 0; left -= 1) {
        await this.#writeAll(id, locks);
        await this.#pause(BETWEEN_MS);
      }
      this.#sayIfSure(id, locks);
      this.#held = null;
      this.#say({ kind: 'releases', id });
      await locks.release();
    } catch (error) {
      this.#say({ kind: 'gave-up', id });
      if (!(error instanceof LockNotAcquired)) this.#say({ kind: 'complaint', text: String(error) });
    }
  }

  async #writeAll(id: string, locks: HeldLocks): Promise<void> {
    for (const [lock, token] of Object.entries(locks.tokens)) {
      this.#sayIfSure(id, locks);
      const outcome = await this.#write(id, lock, token);
      if (outcome === 'stale') this.#say({ kind: 'refused', id, lock });
    }
  }

  /** Sleeps in the transaction: what freezes there wakes behind the check of the token, and before that at the commit. */
  async #write(id: string, lock: string, token: number): Promise<'written' | 'stale' | 'failed'> {
    const client = await this.#parts.pool.connect().catch(() => null);
    if (client === null) return 'failed';
    try {
      await client.query('begin');
      await client.query('select carillon.check_lock($1, $2, $3)', [LOCK_TENANT, lock, token]);
      await client.query('insert into chaos.lock_write (lock, token, holder) values ($1, $2, $3)', [
        lock,
        token,
        id,
      ]);
      await this.#pause(IN_TRANSACTION_MS);
      await client.query('commit');
      client.release();
      return 'written';
    } catch (error) {
      client.release(true); // what of it is still open ends with the session
      return error instanceof pg.DatabaseError && error.code === STALE ? 'stale' : 'failed';
    }
  }

  #sayIfSure(id: string, locks: HeldLocks): void {
    const atMs = monotonicMs();
    if (locks.isHeld()) this.#say({ kind: 'sure', ids: [id] }, atMs);
  }

  #say(line: Said, atMs = monotonicMs()): void {
    writeLine(this.#parts.file, { ...line, atMs });
  }

  async #pause({ min, max }: { min: number; max: number }): Promise<void> {
    await rest(this.#parts.dice.between(min, max));
  }
}

function takenOf(wishes: readonly LockWish[], { tokens }: HeldLocks): TakenLock[] {
  return wishes.map(({ name, mode = 'exclusive', permits = 1 }) => ({
    lock: name,
    mode,
    permits,
    token: tokens[name] ?? 0,
  }));
}
