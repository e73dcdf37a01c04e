// Which runs hold the locks that their job types and schedules name, and which wait for them? A run asks when it is about
// to start, and starts only with all of them. What is not free is waited for in the same line as callers wait, by one run
// of each lane, which is closed meanwhile: so a backlog stands in line once, and a waiting run has no place among the
// running ones. The place is the lane's: if another run becomes its first, that one takes it. All that wait here share one
// look at their lines.
//
//   due --admit--> held, and starts
//    ^       |
//    |       +--> waits in line, its lane closed --a look finds its locks free--> its lane is open: due again
//    |       +--> asks again in a moment (another session is at a lock), or in a while (no semaphore can meet it)
//    +---------------+
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import type { Clock } from '#kernel/clock.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { lookAtPlaces } from '#locks/acquiring.repository.js';
import { nextLookMs } from '#locks/decisions/look-pace.js';
import { headPlaces, readyTickets } from '#locks/line-heads.js';
import type { HeldRun } from '#execution/held/held-run.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import type { NeededLock } from '#execution/limits/decisions/lane-rules.js';
import type { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { dropHolds } from '#execution/settling/settlement.repository.js';
import { neededLocks } from './decisions/needed-locks.js';
import { nextSteps } from './decisions/next-look.js';
import { haveSame, holderOf, placeKey, standing, type LanePlace } from './lane-place.js';
import { acquireRunLocks, leaveLines, type AskingRun, type LockAnswer } from './run-locks.repository.js';
import { UnstartedHolds } from './unstarted-holds.js';

export interface RunLockParts {
  membership: Membership;
  held: HeldRuns;
  rules: LaneRulesBook;
  clock: Clock;
}

/** A place in line lasts three times as long without being asked for again (migrations/0038). */
const ASK_AGAIN_MS = 10_000;
const BUSY_MS = 50;
const MISFIT_MS = 5_000;
const TRY_AGAIN_MS = 250;
const CHECK_TRUST_MS = 250;

export interface LockAdmission {
  admitted: HeldRun[];
  /** No more this replica's to start. */
  gone: HeldRun[];
}

export class RunLocks implements Loop {
  readonly name = 'run-locks';
  /** A run waits. */
  readonly waiting = new Topic<void>();
  /** A lane was opened. */
  readonly opened = new Topic<void>();
  /** Holds were given back. */
  readonly released = new Topic<void>();
  readonly unmet = new Topic<{ run: ClaimedRun; why: string }>();
  readonly #places = new Map<string, LanePlace>();
  readonly #unstarted = new UnstartedHolds();
  #leaving: Pick<LanePlace, 'held'>[] = [];

  constructor(private readonly parts: RunLockParts) {}

  concerns(held: HeldRun): boolean {
    return this.#neededBy(held) !== undefined;
  }

  /** The incarnation is over. Its places are passed over, and its runs' next owner takes them up. */
  clear(): void {
    this.#places.clear();
    this.#unstarted.clear();
    this.#leaving = [];
  }

  /** When `admit` is to be called even if no run is due, on this process's monotonic clock: holds are to be given back. */
  get nextAdmissionMs(): number {
    return this.#unstarted.nextMs();
  }

  /** Those that are not admitted are taken back, and due again when it is worth asking. */
  async admit(incarnation: Incarnation, due: readonly HeldRun[]): Promise<LockAdmission> {
    const { membership } = this.parts;
    const asked = due.map((held) => this.#places.get(placeKey(held))).filter((place) => place !== undefined);
    for (const place of asked) place.isAsking = true;
    const runs = this.#asking(due);
    const nowMs = this.parts.clock.monotonicMs();
    const astray = this.#unstarted.astray(due, { laneOf: placeKey, nowMs });
    const strayIds = astray.map(({ run }) => run.id);
    this.#unstarted.noteAsked(due, nowMs);
    // If the answer is lost, each may hold its locks: a settlement that gives it back must drop them.
    for (const { run } of due) run.locks ??= {};
    try {
      const { replica } = incarnation;
      const result = await membership.write(incarnation, async (tx) => {
        await dropHolds(tx, { replica, runIds: strayIds });
        return acquireRunLocks(tx, { replica, runs });
      });
      if (result.kind === 'fenced') return { admitted: [], gone: [] };
      this.#noteGivenBack(astray.filter((held) => !due.includes(held)));
      const admission = this.#heed(due, result.value);
      // This replica may have stood still meanwhile. They keep what they hold, and find it when they are due again.
      if (membership.trusted() === incarnation) return admission;
      this.#postpone(admission.admitted, TRY_AGAIN_MS);
      return { ...admission, admitted: [] };
    } catch (error) {
      this.#postpone(due, TRY_AGAIN_MS);
      throw error;
    } finally {
      for (const place of asked) place.isAsking = false;
    }
  }

  /** They hold their locks and do not start yet: others may have them meanwhile. */
  async giveBack(incarnation: Incarnation, runs: readonly HeldRun[]): Promise<void> {
    const holding = runs.filter(({ run }) => run.locks !== undefined);
    if (holding.length === 0) return;
    const runIds = holding.map(({ run }) => run.id);
    const { replica } = incarnation;
    await this.parts.membership.write(incarnation, (tx) => dropHolds(tx, { replica, runIds }));
    this.#noteGivenBack(holding);
  }

  #noteGivenBack(runs: readonly HeldRun[]): void {
    if (runs.length === 0) return;
    this.#noteWithout(runs);
    this.released.publish();
  }

  #noteWithout(runs: readonly HeldRun[]): void {
    this.#unstarted.forget(runs);
    for (const { run } of runs) delete run.locks;
  }

  async runOnce(): Promise<number> {
    if (this.#places.size === 0 && this.#leaving.length === 0) return SLEEP_MS;
    const { membership, clock } = this.parts;
    const incarnation = membership.trusted();
    if (incarnation === null) return CHECK_TRUST_MS;
    const startMs = clock.monotonicMs();
    this.#dropEnded();
    await this.#leave(incarnation);
    if (this.#places.size === 0) return SLEEP_MS;
    const places = [...this.#places.values()].filter(({ isAsking }) => !isAsking);
    const looks = await lookAtPlaces(incarnation.db, headPlaces(places.map(standing)));
    if (membership.incarnation !== incarnation) return 0;
    const nowMs = clock.monotonicMs();
    const still = places.filter(
      (place) => !place.isAsking && this.#places.get(placeKey(place.held)) === place,
    );
    const { free, blocked, idle } = nextSteps(still, { ready: readyTickets(looks), nowMs });
    for (const place of blocked) place.mayAskSinceMs = null;
    for (const place of free) {
      place.mayAskSinceMs = nowMs;
      this.parts.held.open(place.held);
    }
    for (const place of idle) this.#giveUp(place);
    if (free.length > 0) this.opened.publish();
    return idle.length > 0 ? 0 : Math.max(nextLookMs(looks), nowMs - startMs);
  }

  #neededBy({ run }: HeldRun): readonly NeededLock[] | undefined {
    return neededLocks(this.parts.rules.ofRun(run).locks, run.ownLocks);
  }

  #asking(due: readonly HeldRun[]): AskingRun[] {
    const lanes = new Map<string, number>();
    return due.map((held) => {
      const { run } = held;
      const key = placeKey(held);
      const lane = lanes.get(key) ?? lanes.size;
      lanes.set(key, lane);
      const place = this.#places.get(key);
      const locks = this.#neededBy(held) ?? [];
      return {
        id: run.id,
        tenant: run.tenantId,
        claim: run.claimId,
        attempt: run.attempt,
        lane,
        // A place in the lines of other locks is no use to it, and stays that run's.
        inherits: place !== undefined && haveSame(place.locks, locks) ? holderOf(place.held) : null,
        locks,
      };
    });
  }

  #heed(due: readonly HeldRun[], answers: readonly LockAnswer[]): LockAdmission {
    const admission: LockAdmission = { admitted: [], gone: [] };
    const closedMs = new Map<string, number>();
    const close = (held: HeldRun, ms: number): void => {
      closedMs.set(placeKey(held), ms);
      this.#postpone([held], ms);
    };
    for (const [index, held] of due.entries()) {
      const answer = answers[index] ?? { outcome: 'busy' };
      if (answer.outcome !== 'held' && answer.outcome !== 'busy') this.#noteWithout([held]);
      switch (answer.outcome) {
        case 'held':
          held.run.locks = Object.fromEntries(answer.holds.map(({ name, token }) => [name, token]));
          if (this.#isPlaceOf(held)) this.#places.delete(placeKey(held));
          admission.admitted.push(held);
          break;
        case 'waits':
          this.#stand(held, answer.ticket);
          close(held, ASK_AGAIN_MS);
          break;
        case 'misfit':
          this.#noteUnmet(held, answer.why);
          close(held, MISFIT_MS);
          break;
        case 'gone':
          admission.gone.push(held);
          break;
        case 'behind':
          // Its lane stays closed for as long as the run before it says.
          close(held, closedMs.get(placeKey(held)) ?? BUSY_MS);
          break;
        case 'busy':
          close(held, BUSY_MS);
      }
    }
    return admission;
  }

  #stand(held: HeldRun, ticket: number): void {
    const locks = this.#neededBy(held) ?? [];
    const before = this.#places.get(placeKey(held));
    if (before !== undefined && !this.#isPlaceOf(held)) this.#leaving.push(before);
    const place = { held, locks, ticket, wishes: locks.length, mayAskSinceMs: null, isAsking: false };
    this.#places.set(placeKey(held), place);
    this.waiting.publish();
  }

  /** Whether the place of its lane is its own, or one that it has taken up. */
  #isPlaceOf(held: HeldRun): boolean {
    const place = this.#places.get(placeKey(held));
    return place !== undefined && (place.held === held || haveSame(place.locks, this.#neededBy(held) ?? []));
  }

  #noteUnmet(held: HeldRun, why: string): void {
    // It may have stood in line before its semaphore was changed.
    this.#places.delete(placeKey(held));
    this.#leaving.push({ held });
    this.unmet.publish({ run: held.run, why });
    this.waiting.publish();
  }

  #postpone(runs: readonly HeldRun[], ms: number): void {
    for (const held of runs) this.parts.held.postpone(held, this.parts.clock.monotonicMs() + ms);
  }

  /**
   * A run that was cancelled, has expired, was given back or needs no locks any more waits no more; the next of its lane
   * asks for itself.
   */
  #dropEnded(): void {
    for (const place of this.#places.values()) {
      const { held, isAsking } = place;
      const isOver = !this.parts.held.has(held) || held.state === 'ended';
      const locks = this.#neededBy(held);
      if (isAsking) continue;
      if (isOver || locks === undefined) this.#giveUp(place);
      else if (!haveSame(locks, place.locks)) {
        // Its job type names others by now: it asks for those at once.
        place.locks = locks;
        this.parts.held.open(held);
        this.opened.publish();
      }
    }
  }

  #giveUp(place: LanePlace): void {
    this.#places.delete(placeKey(place.held));
    // The run's next owner takes the place up, if this one leaves.
    if (!this.parts.membership.isDraining) this.#leaving.push(place);
    this.parts.held.open(place.held);
    this.opened.publish();
  }

  async #leave({ db, replica }: Incarnation): Promise<void> {
    const gone = this.#leaving;
    if (gone.length === 0) return;
    const holders = gone.map(({ held }) => ({ tenantId: held.run.tenantId, holder: holderOf(held) }));
    await leaveLines(db, { replica, holders });
    this.#leaving = this.#leaving.filter((one) => !gone.includes(one));
    // Those behind them may be served.
    this.released.publish();
  }
}
