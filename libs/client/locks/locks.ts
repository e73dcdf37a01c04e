// Acquires the locks of a tenant for a process, over REST. A caller that waits asks again and again, and keeps its place in
// line from one request to the next, whichever replica answers.
import { randomUUID } from 'node:crypto';
import { expectFunction, expectKnownOptions } from '#client/options/known-options.js';
import type { LockWish } from '#client/options/lock-wishes.js';
import {
  CallFailed,
  insist,
  workerApi,
  type CallWorkerApi,
  type WorkerApiOptions,
} from '#client/worker/worker-calls.js';
import { RenewedLocks, type HeldLocks, type Hold } from './held-locks.js';
import { LockNotAcquired } from './lock-errors.js';

export type { LockWish };

export interface LockOptions {
  /** How long the locks stay held after this process is gone: 1 to 86,400. Default: 30. */
  leaseSeconds?: number;
  /** How long to wait for them. Default: for ever. 0 only tries. */
  waitSeconds?: number;
  /** Ends the wait; its reason is thrown. */
  signal?: AbortSignal;
}

/** One lock by its name, or several, of which all are acquired or none. */
export type Locked = string | LockWish | readonly (string | LockWish)[];

export interface LockClient {
  /**
   * Resolves once they are held. Rejects with LockNotAcquired when the time is up, with the signal's reason, and with
   * CallFailed or TypeError for what can't be right. Release them, or they are renewed for as long as this process lives.
   */
  acquire(locks: Locked, options?: LockOptions): Promise<HeldLocks>;
  /** Acquires the locks, acts, and releases them in any case. Resolves and rejects as `act` does. */
  withLock<Result>(
    locks: Locked,
    act: (held: HeldLocks) => Promise<Result> | Result,
    options?: LockOptions,
  ): Promise<Result>;
}

export interface LockClientOptions extends WorkerApiOptions {
  /** Is told of calls that failed and are tried again. */
  onError?: (error: Error) => void;
}

/** One request waits no longer, so that no proxy between ends it. */
const WAIT_SECONDS_MAX = 30;
const ANSWER_MS = 15_000;
/** The part of a lease for which an answer may have been under way. */
const FRESH = 0.1;

/** Throws a TypeError for an option that it does not know. */
export function lockClient(options: LockClientOptions): LockClient {
  expectKnownOptions(options, ['url', 'tenant', 'key', 'onError']);
  const { onError = () => undefined, ...api } = options;
  const call = workerApi(api, 'locks');
  const acquire = async (locks: Locked, given: LockOptions = {}): Promise<HeldLocks> => {
    expectKnownOptions(given, ['leaseSeconds', 'waitSeconds', 'signal']);
    return new Acquiring(call, [locks].flat(), given, onError).run();
  };
  return {
    acquire,
    withLock: async (locks, act, options) => {
      expectFunction('what is done under the lock', act);
      const held = await acquire(locks, options);
      try {
        return await act(held);
      } finally {
        await held.release();
      }
    },
  };
}

interface Answered {
  locks: Hold[];
  askedAtMs: number;
}

class Acquiring {
  readonly #holder = randomUUID();
  readonly #wishes: readonly LockWish[];
  readonly #leaseSeconds: number;
  readonly #untilMs: number;
  readonly #signal: AbortSignal;
  readonly #limit: AbortSignal | undefined;

  constructor(
    private readonly call: CallWorkerApi,
    locks: readonly (string | LockWish)[],
    { leaseSeconds = 30, waitSeconds = Number.POSITIVE_INFINITY, signal }: LockOptions,
    private readonly onError: (error: Error) => void,
  ) {
    this.#wishes = locks.map((lock) => (typeof lock === 'string' ? { name: lock } : lock));
    this.#leaseSeconds = leaseSeconds;
    this.#untilMs = performance.now() + waitSeconds * 1_000;
    // With no replica to be reached it gives up, too, once no answer could come in time.
    const limit = Number.isFinite(waitSeconds)
      ? [AbortSignal.timeout(Math.ceil(waitSeconds * 1_000) + ANSWER_MS)]
      : [];
    this.#limit = limit[0];
    this.#signal = AbortSignal.any([...(signal === undefined ? [] : [signal]), ...limit]);
  }

  async run(): Promise<HeldLocks> {
    for (;;) {
      const leftSeconds = Math.max(0, (this.#untilMs - performance.now()) / 1_000);
      const waitSeconds = Math.min(WAIT_SECONDS_MAX, leftSeconds);
      const answered = await this.#ask(waitSeconds, leftSeconds > waitSeconds);
      const held = answered === null ? null : await this.#begin(answered);
      if (held !== null) return held;
      if (leftSeconds > waitSeconds) continue;
      throw this.#notAcquired('what others hold');
    }
  }

  /** Null when others hold them. */
  async #ask(waitSeconds: number, keepPlace: boolean): Promise<Answered | null> {
    const body = {
      holder: this.#holder,
      locks: this.#wishes,
      leaseSeconds: this.#leaseSeconds,
      waitSeconds,
      keepPlace,
    };
    let askedAtMs = 0;
    const signal = this.#signal;
    const ask = async (): Promise<{ locks: Hold[] }> => {
      askedAtMs = performance.now();
      return this.call({
        path: ':acquire',
        body,
        signal,
        limitMs: waitSeconds * 1_000 + ANSWER_MS,
      });
    };
    try {
      const { locks } = await insist(ask, { signal, onError: this.onError });
      return { locks: this.#inOrder(locks), askedAtMs };
    } catch (error) {
      if (this.#isTimeUp(error)) throw this.#notAcquired('no answer');
      if (!(error instanceof CallFailed) || error.problem['code'] !== 'LOCK_HELD') throw error;
      return this.#found(error);
    }
  }

  #isTimeUp(error: unknown): boolean {
    return this.#limit?.aborted === true && error === this.#limit.reason;
  }

  #notAcquired(got: string): LockNotAcquired {
    const names = this.#wishes.map(({ name }) => name).join(', ');
    return new LockNotAcquired(`expected ${names} to be free in time, got ${got}`);
  }

  /** The holder is a new one, so what it holds was acquired by a request whose answer was lost. */
  #found({ problem }: CallFailed): Answered | null {
    const holds = (problem['holds'] ?? []) as readonly (Hold & { holder: string })[];
    const mine = holds.filter(({ holder }) => holder === this.#holder);
    return mine.length < this.#wishes.length ? null : { locks: this.#inOrder(mine), askedAtMs: 0 };
  }

  #inOrder(holds: readonly Hold[]): Hold[] {
    return this.#wishes.flatMap(({ name }) => holds.find((hold) => hold.name === name) ?? []);
  }

  /**
   * The lease began when the server gave the locks, at some time since they were asked for. Where that was long ago, a
   * renewal finds out whether they are held. Null when they are not.
   */
  async #begin({ locks, askedAtMs }: Answered): Promise<HeldLocks | null> {
    const leaseMs = this.#leaseSeconds * 1_000;
    const held = new RenewedLocks(this.call, locks, {
      leaseSeconds: this.#leaseSeconds,
      onError: this.onError,
    });
    const isFresh = performance.now() - askedAtMs < leaseMs * FRESH;
    return (await held.begin(isFresh ? askedAtMs : null)) ? held : null;
  }
}
