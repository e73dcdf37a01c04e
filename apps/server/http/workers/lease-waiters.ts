// How do many workers wait for work? Together: while any worker waits, one statement a second asks for all their job
// types at once; a hint makes it sooner. Only workers whose job types have offers then try to take them, in the order
// in which they came. A replica that stops answers all of them at once with an empty list.
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { acquireLeases, type Acquisition } from '#execution/leases/lease-acquisition.js';
import { offersAmong, type LeaseRequest } from '#execution/leases/lease.repository.js';
import { jobTypeKey } from '#execution/runs/decisions/lane.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { LoopTimers } from '../../loop-timers.js';
import { API_DATABASE } from '../../tokens.js';
import type { LongStay } from '../access/auth.guard.js';
import { TimeUps } from '../answers/time-ups.js';
import { revokedMeanwhile } from '../problems/problem.js';

interface Waiter {
  request: LeaseRequest;
  /** While it takes leases, it must not be answered with an empty list. */
  isTaking: boolean;
  untilMs: number;
  answer: (acquisition: Acquisition) => void;
  isStillAllowed: () => Promise<boolean>;
  fail: (error: unknown) => void;
}

interface AcquireWait {
  ms: number;
  hungUp: (then: () => void) => void;
  stay: LongStay;
  /** Holds a place of the tenant's share while it waits. */
  hold: (wait: () => Promise<Acquisition>) => Promise<Acquisition>;
}

const LOOK_MS = 1_000;
const NOTHING: Acquisition = { kind: 'leases', leases: [] };
/** Woken when there may be offers. */
export const LEASE_WAITERS = { name: 'lease-waiters' };

@Injectable()
export class LeaseWaiters implements Loop, OnApplicationBootstrap {
  readonly name = LEASE_WAITERS.name;
  readonly #waiters = new Set<Waiter>();
  readonly #timeUps: TimeUps<Waiter>;
  #isLeaving = false;

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly timers: LoopTimers,
  ) {
    const answer = (waiter: Waiter): void => (waiter.isTaking ? undefined : waiter.answer(NOTHING));
    this.#timeUps = new TimeUps('lease-waits', timers, this.#waiters, answer);
  }

  onApplicationBootstrap(): void {
    this.timers.drive(this);
    this.timers.drive(this.#timeUps);
    this.timers.stopped.subscribe(() => {
      this.#isLeaving = true;
      for (const waiter of this.#waiters) waiter.answer(NOTHING);
    });
  }

  /** Resolves when there are leases to take, the time is up, the caller hung up, or the replica is leaving. */
  async acquire(request: LeaseRequest, { ms, hungUp, stay, hold }: AcquireWait): Promise<Acquisition> {
    const atOnce = await acquireLeases(this.db, request);
    const isAnswer = atOnce.kind === 'leases' ? atOnce.leases.length > 0 : atOnce.kind !== 'quiet';
    if (isAnswer) return atOnce;
    if (ms === 0 || this.#isLeaving) return atOnce;
    return hold(() => stay.turn.away(() => this.#wait(request, { ms, hungUp, stay })));
  }

  async #wait(request: LeaseRequest, { ms, hungUp, stay }: Omit<AcquireWait, 'hold'>): Promise<Acquisition> {
    if (this.#isLeaving) return NOTHING;
    return new Promise<Acquisition>((resolve, reject) => {
      const answer = (acquisition: Acquisition): void => {
        this.#waiters.delete(waiter);
        resolve(acquisition);
      };
      const fail = (error: unknown): void => {
        this.#waiters.delete(waiter);
        reject(error);
      };
      const untilMs = systemClock.monotonicMs() + ms;
      const { isStillAllowed } = stay;
      const waiter: Waiter = { request, isTaking: false, untilMs, answer, fail, isStillAllowed };
      this.#waiters.add(waiter);
      hungUp(() => answer(NOTHING));
      this.timers.wake(this);
      this.#timeUps.note(waiter);
    });
  }

  async runOnce(): Promise<number> {
    if (this.#waiters.size === 0) return SLEEP_MS;
    try {
      await this.#serve();
    } catch (error) {
      // The database is down: the callers get its error, and try again.
      for (const waiter of this.#waiters) waiter.fail(error);
      throw error;
    }
    return this.#waiters.size === 0 ? SLEEP_MS : LOOK_MS;
  }

  async #serve(): Promise<void> {
    const waiters = [...this.#waiters];
    const wanted = new Map(
      waiters
        .flatMap(({ request: { tenantId, jobTypes } }) => jobTypes.map((jobType) => ({ tenantId, jobType })))
        .map((pair) => [jobTypeKey(pair), pair]),
    );
    const offers = await offersAmong(this.db, [...wanted.values()]);
    const offered = new Set(offers.map(jobTypeKey));
    for (const waiter of waiters) {
      const { tenantId, jobTypes } = waiter.request;
      if (
        !this.#waiters.has(waiter) ||
        !jobTypes.some((jobType) => offered.has(jobTypeKey({ tenantId, jobType })))
      )
        continue;
      // A caller whose key was revoked while it waited takes nothing.
      if (!(await waiter.isStillAllowed())) {
        waiter.fail(revokedMeanwhile());
        continue;
      }
      // Its time may have run out meanwhile.
      if (this.#waiters.has(waiter)) await this.#take(waiter);
    }
  }

  async #take(waiter: Waiter): Promise<void> {
    waiter.isTaking = true;
    const acquisition = await acquireLeases(this.db, waiter.request);
    waiter.isTaking = false;
    const isOver = waiter.untilMs <= systemClock.monotonicMs();
    if (isOver || acquisition.kind !== 'leases' || acquisition.leases.length > 0) waiter.answer(acquisition);
  }
}
