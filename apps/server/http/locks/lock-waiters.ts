// How do many callers wait for locks? Each stands in line by a row of its own, and together they cost one look: while
// any waits here, one statement asks for those at the head of their lines whether their locks may be free, sooner after
// a hint. Only they then try to acquire them. A replica that stops answers all of them; those keep their places, and
// go on waiting at another.
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { acquire, type Acquisition } from '#locks/acquiring.js';
import { keepPlace, leaveLine, lookAtPlaces, type AcquireRequest } from '#locks/acquiring.repository.js';
import { nextLookMs } from '#locks/decisions/look-pace.js';
import { giveBackHold } from '#locks/hold.repository.js';
import { headPlaces, readyTickets } from '#locks/line-heads.js';
import { LoopTimers } from '../../loop-timers.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { LOCK_WAITERS } from '../../replica/wake-ups.js';
import { API_DATABASE } from '../../tokens.js';
import type { LongStay } from '../access/auth.guard.js';
import { Waiters, type Wait, type Waiter } from '../answers/waiters.js';
import { ProblemError, revokedMeanwhile } from '../problems/problem.js';

export interface Standing {
  request: AcquireRequest;
  ticket: number;
  isStillAllowed: () => Promise<boolean>;
  /** When to ask again in any case: its place may be gone, or its replica have another number. */
  askAtMs: number;
}

export interface LockWait extends Wait {
  stay: LongStay;
  /** Holds a place of the tenant's share while it waits. */
  hold: (wait: () => Promise<Acquisition>) => Promise<Acquisition>;
  keepsPlace: boolean;
}

type Standee = Waiter<Standing, Acquisition>;

const NOTHING: Acquisition = { kind: 'taken' };
const PLACE_KEPT_MS = 5_000;
/** A place outlasts its request by this, so that no other is served before its last look. */
const SPARE_MS = 2_000;
const ASK_AGAIN_MS = 15_000;
const AT_ONCE = 4;

@Injectable()
export class LockWaiters implements Loop, OnApplicationBootstrap {
  readonly name = LOCK_WAITERS.name;
  readonly #waiters: Waiters<Standing, Acquisition>;

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    timers: LoopTimers,
    private readonly replica: ReplicaService,
  ) {
    this.#waiters = new Waiters(this, timers, NOTHING);
  }

  onApplicationBootstrap(): void {
    this.#waiters.begin();
  }

  /** Resolves when the locks are held, the time is up, the caller hung up, or the replica is leaving. */
  async acquire(request: AcquireRequest, wait: LockWait): Promise<Acquisition> {
    const { ms, stay, hold, hungUp } = wait;
    let isGone = false;
    hungUp(() => (isGone = true));
    const isTry = ms === 0 || this.#waiters.isLeaving;
    const atOnce = isTry ? await acquire(this.db, request, null) : await this.#ask(request, ms);
    if (isGone) {
      // There is no one to be answered, and a hold would last for its whole lease.
      await this.#undo(request, atOnce);
      return NOTHING;
    }
    if (isTry || (atOnce.kind !== 'waits' && atOnce.kind !== 'undecided')) return atOnce;
    const ticket = atOnce.kind === 'waits' ? atOnce.ticket : Number.NaN;
    const askAtMs = systemClock.monotonicMs() + (atOnce.kind === 'waits' ? ASK_AGAIN_MS : 0);
    const standing: Standing = { request, ticket, isStillAllowed: stay.isStillAllowed, askAtMs };
    try {
      return await hold(() => stay.turn.away(() => this.#stand(standing, wait)));
    } catch (error) {
      // Who was refused waits no more. After an error of the database the caller asks again, and has kept its place.
      if (error instanceof ProblemError) await leaveLine(this.db, this.#placeOf(request));
      throw error;
    }
  }

  async #stand(standing: Standing, { ms, hungUp, keepsPlace }: LockWait): Promise<Acquisition> {
    let isGone = false;
    const answer = await this.#waiters.wait(standing, {
      ms,
      hungUp: (then) =>
        hungUp(() => {
          isGone = true;
          then();
        }),
    });
    if (answer.kind !== 'held') {
      const keeps = !isGone && (keepsPlace || this.#waiters.isLeaving);
      const place = this.#placeOf(standing.request);
      await (keeps ? keepPlace(this.db, { ...place, ms: PLACE_KEPT_MS }) : leaveLine(this.db, place));
    }
    return answer;
  }

  async runOnce(): Promise<number> {
    const { waiting } = this.#waiters;
    if (waiting.size === 0) return SLEEP_MS;
    try {
      return await this.#serve([...waiting]);
    } catch (error) {
      // The database is down: the callers get its error, and try again.
      for (const waiter of waiting) waiter.fail(error);
      throw error;
    }
  }

  async #serve(standees: readonly Standee[]): Promise<number> {
    const startMs = systemClock.monotonicMs();
    const looks = await lookAtPlaces(this.db, headPlaces(standees.map(({ wanted }) => wanted)));
    const ready = readyTickets(looks);
    const nowMs = systemClock.monotonicMs();
    const asked = standees.filter(
      ({ wanted: { ticket, request, askAtMs } }) =>
        ready.get(ticket) === request.wishes.length || askAtMs <= nowMs,
    );
    const served: Standee[] = [];
    for (let from = 0; from < asked.length; from += AT_ONCE) {
      const some = asked.slice(from, from + AT_ONCE);
      const answers = await Promise.all(some.map((one) => this.#try(one)));
      served.push(...some.filter((_, index) => answers[index]));
    }
    if (this.#waiters.waiting.size === 0) return SLEEP_MS;
    // Those behind them may be served as well.
    if (served.some(({ wanted }) => isShared(wanted.request))) return 0;
    const taken = served.map(() => ({ heldMs: 0, expiresInMs: null }));
    return Math.max(nextLookMs([...looks, ...taken]), nowMs - startMs);
  }

  /** True when the waiter was served. */
  async #try(waiter: Standee): Promise<boolean> {
    const { waiting } = this.#waiters;
    const { wanted } = waiter;
    if (!(await wanted.isStillAllowed())) {
      waiter.fail(revokedMeanwhile());
      return false;
    }
    if (!waiting.has(waiter)) return false;
    waiter.isServed = true;
    const nowMs = systemClock.monotonicMs();
    const answer = await this.#ask(wanted.request, Math.max(0, waiter.untilMs - nowMs));
    waiter.isServed = false;
    if (!waiting.has(waiter)) {
      await this.#undo(wanted.request, answer);
      return false;
    }
    wanted.askAtMs = nowMs + (answer.kind === 'undecided' ? 0 : ASK_AGAIN_MS);
    if (answer.kind === 'waits') wanted.ticket = answer.ticket;
    else if (answer.kind !== 'undecided') waiter.answer(answer);
    return answer.kind === 'held';
  }

  async #ask(request: AcquireRequest, ms: number): Promise<Acquisition> {
    return acquire(this.db, request, { ms: ms + SPARE_MS, replica: this.replica.number });
  }

  /** The caller has hung up while its locks were acquired, or got its place back. */
  async #undo(request: AcquireRequest, answer: Acquisition): Promise<void> {
    if (answer.kind === 'held')
      for (const { name, token, expiresAt } of answer.holds)
        await giveBackHold(this.db, { tenantId: request.tenantId, name, token, expiresAt });
    else if (answer.kind === 'waits') await leaveLine(this.db, this.#placeOf(request));
  }

  #placeOf({ tenantId, holder }: AcquireRequest): Parameters<typeof leaveLine>[1] {
    return { tenantId, holder, replica: this.replica.number };
  }
}

function isShared({ wishes }: AcquireRequest): boolean {
  return wishes.some(({ mode }) => mode !== 'exclusive');
}
