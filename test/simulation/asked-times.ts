// Which due times have schedules asked for? What each one's spec says, from when it was given until it was replaced, or the
// schedule deleted: each of those needs its row in the ledger (I1), and no other has one. A change reads the clock between
// taking hold of the schedule and writing it, so what is due in between may count to either of the specs. What had
// been planned ahead and was claimed by then goes on, and keeps its row.
import { fireKey, type ModelDatabase } from './model-database.js';
import type { World } from './world.js';
import type { Act } from './transaction.js';

/** The planner looks no further ahead, and the clock of the server jumps no further back in all. */
const AHEAD_MS = 30_000;

/** Between these two it came to hold. */
interface Change {
  earliestMs: number;
  latestMs: number;
}

interface Span {
  /** Its first due time, which is after the instant at which it surely held. */
  firstMs: number;
  /** What is due from here on may already count to it. */
  earliestMs: number;
  periodMs: number;
  /** Null for as long as it is what the schedule says. */
  end: Change | null;
}

export class AskedTimes {
  readonly #spans = new Map<string, Span[]>();
  readonly #specs = new Map<string, string>();
  readonly #heldAtMs = new Map<string, number>();
  /** By the last change of anything, also where the spec stayed: what has passed by then is decided for that change. */
  readonly #changedAtMs = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly db: ModelDatabase,
  ) {}

  /** A schedule is there, and due from its anchor on. */
  begin(schedule: string, spec: string): void {
    const anchorMs = Date.parse((JSON.parse(spec) as { anchorAt: string }).anchorAt);
    this.#add(schedule, spec, { earliestMs: anchorMs, latestMs: anchorMs - 1 });
  }

  /** Called as the transaction commits. */
  note(act: Act & { kind: 'schedule-held' | 'schedule-changed' }): void {
    if (act.kind === 'schedule-held') {
      this.#heldAtMs.set(act.schedule, act.wallMs);
      return;
    }
    const { schedule, spec, wallMs } = act;
    const heldAtMs = this.#heldAtMs.get(schedule) ?? wallMs;
    const change = { earliestMs: Math.min(heldAtMs, wallMs), latestMs: Math.max(heldAtMs, wallMs) };
    this.#changedAtMs.set(schedule, Math.max(change.latestMs, this.#changedAtMs.get(schedule) ?? 0));
    if (spec === this.#specs.get(schedule)) return;
    const last = this.#spans.get(schedule)?.at(-1);
    if (last !== undefined) last.end = change;
    if (spec === null) this.#specs.delete(schedule);
    else this.#add(schedule, spec, change);
  }

  /** Called in the end, when all that has passed is decided. */
  judge(): void {
    for (const [schedule, spans] of this.#spans) {
      for (const span of spans) this.#judgeSpan(schedule, span);
      for (const { dueMs, reason } of this.db.fire.rows().filter((fire) => fire.schedule === schedule)) {
        const allowed = spans.filter((span) => isAsked(span, dueMs));
        if (allowed.length === 0)
          this.world.violate('I1', `${fireKey(schedule, dueMs)} is in the ledger, but no such time was due`);
        const isOfChange = reason === 'schedule changed' || reason === 'schedule deleted';
        if (isOfChange && dueMs > (this.#changedAtMs.get(schedule) ?? 0))
          this.world.violate('I1', `${fireKey(schedule, dueMs)} was still ahead: ${reason}`);
      }
    }
  }

  #add(schedule: string, spec: string, since: Change): void {
    const { seconds, anchorAt } = JSON.parse(spec) as { seconds: number; anchorAt: string };
    const periodMs = seconds * 1_000;
    const anchorMs = Date.parse(anchorAt);
    const passed = Math.max(0, Math.floor((since.latestMs - anchorMs) / periodMs) + 1);
    const earliestMs = Math.max(anchorMs, since.earliestMs);
    const span = { firstMs: anchorMs + passed * periodMs, earliestMs, periodMs, end: null };
    this.#spans.set(schedule, [...(this.#spans.get(schedule) ?? []), span]);
    this.#specs.set(schedule, spec);
  }

  #judgeSpan(schedule: string, { firstMs, periodMs, end }: Span): void {
    const untilMs = end === null ? (this.db.schedule.get(schedule)?.nextDueMs ?? firstMs) : end.earliestMs;
    for (let dueMs = firstMs; dueMs < untilMs; dueMs += periodMs) {
      if (this.db.fire.get(fireKey(schedule, dueMs)) === null)
        this.world.violate('I1', `${fireKey(schedule, dueMs)} has no row in the ledger`);
    }
  }
}

function isAsked({ firstMs, earliestMs, periodMs, end }: Span, dueMs: number): boolean {
  const untilMs = end === null ? Number.POSITIVE_INFINITY : end.latestMs + AHEAD_MS;
  return dueMs >= earliestMs && dueMs < untilMs && (dueMs - firstMs) % periodMs === 0;
}
