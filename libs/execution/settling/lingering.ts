// When are the starts and ends that wait to be written? The first that may wait no longer takes all of them with it
// (decisions/lingering.ts). All go at once while the replica is draining, while callers wait at other replicas, for runs
// that are not known here, and when the last try has failed.
import type { Membership } from '#cluster/membership/membership.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import { NO_RULES, worthHolding } from '#execution/limits/decisions/lane-rules.js';
import type { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { hasKey } from '#execution/runs/decisions/lane.js';
import type { Clock } from '#kernel/clock.js';
import type { RunId, Slot } from '#kernel/ids.js';
import { COMPANY_MAX, lingerMsOf, nextPace, NO_PACE, startLingerMs } from './decisions/lingering.js';
import type { Ending } from './settlement.js';

export interface LingeringOptions {
  membership: Pick<Membership, 'isDraining'>;
  held: HeldRuns;
  rules: LaneRulesBook;
  clock: Clock;
  isServed: (slot: Slot) => boolean;
}

export class Lingering {
  #pace = NO_PACE;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #waiting = 0;
  /** Until then callers elsewhere may wait for runs of ours. */
  #awaitedUntilMs = Number.NEGATIVE_INFINITY;
  readonly #awaited = new Map<RunId, number>();

  constructor(private readonly options: LingeringOptions) {}

  /** True when a pass is wanted sooner than it was. Also for noteEnd. */
  noteStart(): boolean {
    return this.#note(startLingerMs(this.#pace));
  }

  noteEnd({ run, transition }: Ending): boolean {
    this.#pace = nextPace(this.#pace, this.options.clock.monotonicMs());
    const end = {
      becomes: transition.kind,
      isOfFire: run.scheduleId !== null,
      hasLocks: run.locks !== undefined,
      freesKey: run.isUnique === true,
      isAwaited: this.#awaited.has(run.id),
      makesRoom: this.#makesRoom(run),
      isCountedElsewhere: !this.options.isServed(run.slot),
    };
    return this.#note(lingerMsOf(end, this.#pace));
  }

  /** How long all that waits may go on waiting. */
  leftMs(): number {
    const { clock, membership } = this.options;
    const nowMs = clock.monotonicMs();
    if (membership.isDraining || nowMs < this.#awaitedUntilMs) return 0;
    return Math.max(0, this.#dueAtMs - nowMs);
  }

  /** What waited is being written, all of it or a part. */
  taken(isAll: boolean): void {
    this.#dueAtMs = isAll ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    this.#waiting = 0;
  }

  /** What waits is due now. */
  hurry(): void {
    this.#dueAtMs = Number.NEGATIVE_INFINITY;
  }

  /** A caller waits for the run until the answer is called. */
  await(id: RunId): () => void {
    if (this.#waiting > 0) this.hurry(); // its end may be among them
    this.#awaited.set(id, (this.#awaited.get(id) ?? 0) + 1);
    return () => {
      const left = (this.#awaited.get(id) ?? 1) - 1;
      if (left > 0) this.#awaited.set(id, left);
      else this.#awaited.delete(id);
    };
  }

  awaitElsewhere(untilMs: number): void {
    this.#awaitedUntilMs = untilMs;
  }

  #note(lingerMs: number): boolean {
    this.#waiting += 1;
    const nowMs = this.options.clock.monotonicMs();
    const dueAtMs = this.#waiting >= COMPANY_MAX ? nowMs : nowMs + lingerMs;
    const isSooner = dueAtMs < this.#dueAtMs;
    if (isSooner) this.#dueAtMs = dueAtMs;
    return isSooner || this.leftMs() === 0;
  }

  #makesRoom(run: ClaimedRun): boolean {
    const { held } = this.options;
    if (held.roomFor(run.tenantId) <= 0) return true;
    const rules = this.options.rules.ofRun(run);
    if (rules === NO_RULES) return false;
    return held.ofLane(run) >= worthHolding(rules, hasKey(run)) || held.roomForLimited(run) <= 0;
  }
}
