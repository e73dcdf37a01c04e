// Which due times did a schedule have, whose spec was changed in between? Each spec counts from when it was given until the
// next one was. The search may leave off at any due time, and go on there later: those of a rare rule take milliseconds
// each.
import { nextDueOf, type ScheduleSpec } from '#scheduling/decisions/due-times.js';

/** How long a schedule had one spec. */
export interface Stretch {
  /** Null when this version can't read it. */
  spec: ScheduleSpec | null;
  /** Exclusive. */
  since: Date;
  /** Inclusive; null for the present one. */
  until: Date | null;
}

export interface Span {
  /** Inclusive. */
  from: Date;
  /** Exclusive. */
  to: Date;
}

/** Those of the span, the earliest first, at most `limit`; it leaves off as well when it may not go on. */
export class DueWalk {
  readonly dueTimes: Date[] = [];
  /** Those whose spec turned out to be one with which nothing can be computed. */
  readonly unreadable = new Set<Stretch>();
  #stretches: readonly Stretch[];
  #reached: Date;

  /** `stretches` are in order and do not overlap. */
  constructor(
    stretches: readonly Stretch[],
    private readonly span: Span,
    private readonly limit: number,
  ) {
    this.#stretches = stretches;
    this.#reached = new Date(span.from.getTime() - 1);
  }

  /** True when all are found, or as many as there may be. */
  goOn(mayGoOn: () => boolean): boolean {
    for (let [stretch] = this.#stretches; stretch !== undefined; [stretch] = this.#stretches) {
      if (!this.#walkIfReadable(stretch, mayGoOn)) return this.dueTimes.length >= this.limit;
      this.#stretches = this.#stretches.slice(1);
    }
    this.#reached = this.span.to;
    return true;
  }

  /** All due times before it are found. */
  get until(): Date {
    return new Date(Math.min(this.#reached.getTime() + 1, this.span.to.getTime()));
  }

  /** True when it has found all of the stretch. */
  #walkIfReadable(stretch: Stretch, mayGoOn: () => boolean): boolean {
    try {
      return this.#walk(stretch, mayGoOn);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.unreadable.add(stretch);
      return true;
    }
  }

  #walk({ spec, since, until }: Stretch, mayGoOn: () => boolean): boolean {
    if (spec === null || (until !== null && until <= this.#reached)) return true;
    const next = nextDueOf(spec);
    while (this.dueTimes.length < this.limit) {
      if (!mayGoOn()) return false;
      const dueAt = next(since > this.#reached ? since : this.#reached);
      if (dueAt === null || dueAt >= this.span.to || (until !== null && dueAt > until)) return true;
      this.dueTimes.push(dueAt);
      this.#reached = dueAt;
    }
    return false;
  }
}

/** Null when nothing can be computed with the spec. */
export function isDueAt(spec: ScheduleSpec, at: Date): boolean | null {
  try {
    return nextDueOf(spec)(new Date(at.getTime() - 1))?.getTime() === at.getTime();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
