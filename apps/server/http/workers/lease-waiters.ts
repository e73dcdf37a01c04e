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
import { Waiters, type Wait, type Waiter } from '../answers/waiters.js';
import { revokedMeanwhile } from '../problems/problem.js';

interface Wanted {
  request: LeaseRequest;
  isStillAllowed: () => Promise<boolean>;
}

interface AcquireWait extends Wait {
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
  readonly #waiters: Waiters<Wanted, Acquisition>;

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    timers: LoopTimers,
  ) {
    this.#waiters = new Waiters(this, timers, NOTHING);
  }

  onApplicationBootstrap(): void {
    this.#waiters.begin();
  }

  /** Resolves when there are leases to take, the time is up, the caller hung up, or the replica is leaving. */
  async acquire(request: LeaseRequest, { ms, hungUp, stay, hold }: AcquireWait): Promise<Acquisition> {
    const atOnce = await acquireLeases(this.db, request);
    const isAnswer = atOnce.kind === 'leases' ? atOnce.leases.length > 0 : atOnce.kind !== 'quiet';
    if (isAnswer) return atOnce;
    if (ms === 0 || this.#waiters.isLeaving) return atOnce;
    const wanted = { request, isStillAllowed: stay.isStillAllowed };
    return hold(() => stay.turn.away(() => this.#waiters.wait(wanted, { ms, hungUp })));
  }

  async runOnce(): Promise<number> {
    const { waiting } = this.#waiters;
    if (waiting.size === 0) return SLEEP_MS;
    try {
      await this.#serve([...waiting]);
    } catch (error) {
      // The database is down: the callers get its error, and try again.
      for (const waiter of waiting) waiter.fail(error);
      throw error;
    }
    return waiting.size === 0 ? SLEEP_MS : LOOK_MS;
  }

  async #serve(waiters: readonly Waiter<Wanted, Acquisition>[]): Promise<void> {
    const { waiting } = this.#waiters;
    const askedFor = new Map(
      waiters.flatMap(({ wanted }) => jobTypesOf(wanted)).map((pair) => [jobTypeKey(pair), pair]),
    );
    const offers = await offersAmong(this.db, [...askedFor.values()]);
    const offered = new Set(offers.map(jobTypeKey));
    for (const waiter of waiters) {
      const { wanted } = waiter;
      if (!waiting.has(waiter) || !jobTypesOf(wanted).some((pair) => offered.has(jobTypeKey(pair)))) continue;
      // A caller whose key was revoked while it waited takes nothing.
      if (!(await wanted.isStillAllowed())) {
        waiter.fail(revokedMeanwhile());
        continue;
      }
      // Its time may have run out meanwhile.
      if (waiting.has(waiter)) await this.#take(waiter);
    }
  }

  async #take(waiter: Waiter<Wanted, Acquisition>): Promise<void> {
    waiter.isServed = true;
    const acquisition = await acquireLeases(this.db, waiter.wanted.request);
    waiter.isServed = false;
    const isOver = waiter.untilMs <= systemClock.monotonicMs();
    if (isOver || acquisition.kind !== 'leases' || acquisition.leases.length > 0) waiter.answer(acquisition);
  }
}

function jobTypesOf({ request: { tenantId, jobTypes } }: Wanted) {
  return jobTypes.map((jobType) => ({ tenantId, jobType }));
}
