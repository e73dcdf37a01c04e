// Starts runs whose instant has come, while there is room and this replica is sure that it is not declared dead. When
// it is no longer sure, it stops all attempts before another replica takes the runs over.
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import type { DatabaseClock } from '#cluster/membership/database-clock.js';
import type { Clock } from '#kernel/clock.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { AttemptStopped } from '#execution/runs/attempt-stopped.js';
import { unbegun } from '#execution/runs/decisions/run-transition.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { Executor } from './executor.js';
import type { OverlapEnds } from './overlap-ends.js';
import type { RunningAttempts } from './running-attempts.js';
import type { HeldRun } from '#execution/held/held-run.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import type { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import { RateLimiter } from '#execution/limits/rate-limiter.js';
import type { RunLocks } from '#execution/locking/run-locks.js';
import type { SettleLoop } from '#execution/settling/settle-loop.js';
import { recordSuspectStarts, noteRecovery } from './start.repository.js';

export interface StartParts {
  membership: Membership;
  held: HeldRuns;
  rules: LaneRulesBook;
  running: RunningAttempts;
  executor: Executor;
  overlaps: OverlapEnds;
  settleLoop: SettleLoop;
  runLocks: RunLocks;
  databaseClock: DatabaseClock;
  clock: Clock;
}

/** How often a replica that holds runs checks whether it may trust itself. */
const CHECK_TRUST_MS = 250;
/** The pause before a start that met an error is tried again. */
const TRY_AGAIN_MS = 250;

export class StartLoop implements Loop {
  readonly name = 'start';

  readonly #rateLimiter: RateLimiter;

  constructor(private readonly parts: StartParts) {
    this.#rateLimiter = new RateLimiter(parts.membership, parts.rules, parts.clock);
  }

  onExpelled(reason: string): void {
    this.parts.running.abandonAll(new AttemptStopped('replica-fenced', reason));
    this.parts.held.clear();
    this.parts.overlaps.clear();
    this.parts.runLocks.clear();
  }

  async runOnce(): Promise<number> {
    const { held, running, clock, membership } = this.parts;
    const incarnation = membership.trusted();
    if (incarnation === null) {
      running.stopAll(
        new AttemptStopped(
          'replica-unsure',
          'this replica can no longer be sure that it is not declared dead',
        ),
      );
      return held.size > 0 ? CHECK_TRUST_MS : SLEEP_MS;
    }
    // A claim that was in flight when the drain began may have come in since.
    if (membership.isDraining) this.giveBackWaiting();
    const nowMs = clock.monotonicMs();
    const nextDeadlineMs = running.stopOverdue(nowMs);
    await this.#startDue(incarnation, this.#stillWanted(held.takeDue(nowMs)));
    // Not sooner: of two runs that are due together the first one is running by now, and may be replaced.
    this.parts.overlaps.endOverlapping();
    const nextStartMs = held.nextStartAtMs() ?? Number.POSITIVE_INFINITY;
    const nextMs = Math.min(nextStartMs, nextDeadlineMs, this.parts.runLocks.nextAdmissionMs);
    return Math.min(this.#lookAgainMs(), Math.max(0, nextMs - clock.monotonicMs()));
  }

  /** Gives back runs that were claimed but not started. */
  giveBackWaiting(isWanted?: (run: ClaimedRun) => boolean): void {
    for (const held of this.parts.held.takeWaiting(isWanted)) this.#giveBack(held);
  }

  // Runs without a rate or locks go first: they need not wait for those of the others.
  async #startDue(incarnation: Incarnation, due: readonly HeldRun[]): Promise<void> {
    const { runLocks } = this.parts;
    const locked = due.filter((held) => runLocks.concerns(held));
    const unlocked = locked.length === 0 ? due : due.filter((held) => !runLocks.concerns(held));
    await this.#startPaced(incarnation, unlocked).catch((error: unknown) => {
      this.#postpone(locked);
      throw error;
    });
    if (locked.length === 0 && runLocks.nextAdmissionMs > this.parts.clock.monotonicMs()) return;
    const { admitted, gone } = await runLocks.admit(incarnation, locked);
    for (const held of gone) this.#giveBack(held);
    if (admitted.length === 0) return;
    // Tokens of a rate are asked for with the locks at hand, since one that is taken and not used is lost.
    const refused = await this.#startPaced(incarnation, admitted);
    await runLocks.giveBack(incarnation, refused);
  }

  /** Starts them as far as rates let it; resolves with those that must wait for a rate. */
  async #startPaced(incarnation: Incarnation, due: readonly HeldRun[]): Promise<HeldRun[]> {
    const rated = due.filter((held) => this.#rateLimiter.concerns(held));
    const free = rated.length === 0 ? due : due.filter((held) => !this.#rateLimiter.concerns(held));
    await this.#start(incarnation, free).catch((error: unknown) => {
      this.#postpone(rated);
      throw error;
    });
    if (rated.length === 0) return [];
    const paced = await this.#admit(incarnation, rated);
    await this.#start(incarnation, paced);
    return rated.filter((held) => !paced.includes(held));
  }

  async #admit(incarnation: Incarnation, rated: readonly HeldRun[]): Promise<HeldRun[]> {
    const { held, membership, clock } = this.parts;
    const admission = await this.#rateLimiter.admit(incarnation, rated).catch((error: unknown) => {
      this.#postpone(rated);
      throw error;
    });
    if (admission === null) return [];
    const nowMs = clock.monotonicMs();
    for (const { held: each, waitMs } of admission.refused) held.postpone(each, nowMs + Math.ceil(waitMs));
    if (membership.trusted() === incarnation) return admission.admitted;
    for (const each of admission.admitted) held.postpone(each, nowMs);
    return [];
  }

  /** An error came before they could start; they are tried again. */
  #postpone(due: readonly HeldRun[]): void {
    const { held, clock } = this.parts;
    for (const each of due) held.postpone(each, clock.monotonicMs() + TRY_AGAIN_MS);
  }

  /** Ends expired and cancelled runs, and returns the others. */
  #stillWanted(due: readonly HeldRun[]): HeldRun[] {
    const now = this.parts.databaseClock.now();
    return due.filter((held) => {
      const { deadline, isCancelRequested } = held.run;
      const isUnwanted = isCancelRequested || held.isUnwanted;
      const why = isUnwanted ? 'cancelled' : deadline !== null && deadline <= now ? 'deadline' : null;
      if (why !== null) this.parts.executor.endBeforeStart(held, why);
      return why === null;
    });
  }

  // The start of a run that was lost before is recorded first: if this replica dies as well, the run was running.
  async #start(incarnation: Incarnation, due: readonly HeldRun[]): Promise<void> {
    const { executor, membership } = this.parts;
    const lostBefore = due.filter(({ run }) => run.losses > 0);
    // A deadline may have passed while tokens were taken or the start was recorded.
    for (const held of this.#stillWanted(due.filter(({ run }) => run.losses === 0))) executor.start(held);
    if (lostBefore.length === 0) return;
    try {
      const runIds = lostBefore.map(({ run }) => run.id);
      const marked = await membership.write(incarnation, async (tx) => {
        await recordSuspectStarts(tx, { replica: incarnation.replica, runIds });
        await noteRecovery(tx, { replica: incarnation.replica, runIds });
      });
      if (marked.kind === 'fenced') return;
    } catch (error) {
      for (const held of lostBefore) this.#giveBack(held);
      throw error;
    }
    if (membership.incarnation !== incarnation) return;
    // This replica may have stood still while the start was recorded.
    if (membership.trusted() !== incarnation) return this.#postpone(lostBefore);
    for (const held of this.#stillWanted(lostBefore)) executor.start(held);
  }

  #giveBack(held: HeldRun): void {
    this.parts.held.markEnded(held);
    this.parts.settleLoop.noteEnd({
      run: held.run,
      startedAt: null,
      finishedAt: this.parts.databaseClock.now(),
      lastNote: null,
      transition: unbegun(held.run),
      outputJson: null,
    });
  }

  // While anything runs, this replica must check its trust even if no hint wakes this loop.
  #lookAgainMs(): number {
    return this.parts.held.running > 0 ? CHECK_TRUST_MS : SLEEP_MS;
  }
}
