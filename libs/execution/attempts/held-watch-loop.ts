// Watches held runs: ends those that a request has cancelled or whose deadline passes while they wait, records starts,
// and cancels runs elsewhere that a held one replaces. Requests are read about once a second, and at once after a hint;
// while nothing is held, nothing is read. A claim names waiting runs as well as running ones, so its row gets the starts
// of runs that have been running for a while, many in one statement. Shorter runs cost nothing: no reader could have
// seen them running.
import type { DatabaseClock } from '#cluster/membership/database-clock.js';
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import type { Clock } from '#kernel/clock.js';
import type { ClaimId } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Pace } from '#kernel/pace.js';
import type { Executor } from './executor.js';
import type { OverlapEnds } from './overlap-ends.js';
import type { RunningAttempt } from './running-attempt.js';
import type { RunningAttempts } from './running-attempts.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import { listCancelRequests } from '#execution/run-actions/run-ending.repository.js';
import { lockClaims } from '#execution/settling/settlement.repository.js';
import { showRunning } from './start.repository.js';

const REQUESTS_MS = 1_000;
/** The start of a run that has been running for this long is recorded, together with all others. */
const NOTE_AFTER_MS = 200;
const NOTES_MS = 250;

export interface HeldWatchParts {
  membership: Membership;
  held: HeldRuns;
  running: RunningAttempts;
  executor: Executor;
  overlaps: OverlapEnds;
  databaseClock: DatabaseClock;
  clock: Clock;
}

export class HeldWatchLoop implements Loop {
  readonly name = 'held-watch';
  readonly #reading = new Pace(REQUESTS_MS);
  readonly #looking = new Pace(NOTES_MS);

  constructor(private readonly parts: HeldWatchParts) {}

  /** There may be new requests to cancel runs. */
  hint(): void {
    this.#reading.hurry();
    this.#looking.hurry();
  }

  async runOnce(): Promise<number> {
    const { held, membership, clock } = this.parts;
    const incarnation = membership.trusted();
    if (held.size === 0) return SLEEP_MS;
    if (incarnation === null) return NOTES_MS; // trust may be back by then
    const nowMs = clock.monotonicMs();
    const earlyMs = this.#looking.dueInMs(nowMs);
    if (earlyMs > 0) return earlyMs;
    this.#looking.done(nowMs);
    this.#expireWaiting();
    if (this.#reading.dueInMs(nowMs) <= 0) {
      this.#reading.done(nowMs);
      await this.#cancel(incarnation);
    }
    await this.#showRunning(incarnation);
    await this.parts.overlaps.cancelElsewhere(incarnation);
    return NOTES_MS;
  }

  /** Running attempts have their own deadline. */
  #expireWaiting(): void {
    const { held, executor, databaseClock } = this.parts;
    const now = databaseClock.now();
    const overdue = held
      .all()
      .filter(({ state, run }) => state === 'waiting' && run.deadline !== null && run.deadline <= now);
    for (const run of overdue) executor.end(run, 'deadline');
  }

  async #cancel(incarnation: Incarnation): Promise<void> {
    const { held, executor } = this.parts;
    const asked = new Set(await listCancelRequests(incarnation.db));
    if (asked.size === 0) return;
    for (const each of held.all()) if (asked.has(each.run.id)) executor.end(each, 'cancelled');
  }

  async #showRunning(incarnation: Incarnation): Promise<void> {
    const { running, membership } = this.parts;
    const unnoted = running.unnoted(NOTE_AFTER_MS);
    if (unnoted.length === 0) return;
    const byClaim = Map.groupBy(unnoted, ({ held }) => held.run.claimId);
    const { replica } = incarnation;
    const noted = await membership.write(incarnation, async (tx) => {
      // Locked in the order in which ends of attempts lock.
      const ours = await lockClaims(tx, { replica, claimIds: [...byClaim.keys()] });
      for (const claimId of ours) await showRunning(tx, { replica, ...startsOf(claimId, byClaim) });
    });
    if (noted.kind === 'done') for (const attempt of unnoted) attempt.isNoted = true;
  }
}

function startsOf(claimId: ClaimId, byClaim: ReadonlyMap<ClaimId, readonly RunningAttempt[]>) {
  const starts = (byClaim.get(claimId) ?? []).map(({ held, startedAt }) => [held.run.id, startedAt] as const);
  return { claimId, started: Object.fromEntries(starts) };
}
