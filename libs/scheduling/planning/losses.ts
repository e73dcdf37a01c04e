// Which due times has an outage cost, for the operator? A schedule without catching up, or with a bound on it, loses due
// times when no leader was there for long. They are counted while their gap is decided, and told once it is closed: in
// one event for all gaps that a pass closes, since thousands of schedules may have lost some.
import type { ScheduleId, TenantId, Term } from '#kernel/ids.js';
import type { StoredGap, WrittenGap } from './gap.repository.js';

export interface LostDueTimes {
  schedule: ScheduleId;
  tenantId: TenantId;
  /** The first and the last of them lie between these. */
  from: Date;
  to: Date;
  count: number;
  reason: string;
}

export type DecidedGap = WrittenGap & { gap: StoredGap };

/** Of the reasons why a due time is missed those that are no one's deed. */
const OF_OUTAGES: readonly string[] = ['no catch-up', 'catch-up window', 'catch-up limit'];

export class Losses {
  /** Of gaps that are not closed yet: what this leader has decided of them. */
  readonly #open = new Map<string, { from: Date; count: number }>();
  #term: Term | null = null;

  /** What is lost in the gaps that these decisions close. Pure but for what it remembers until `note` is called. */
  closedBy(gaps: readonly DecidedGap[], term: Term): LostDueTimes[] {
    if (term !== this.#term) this.#open.clear();
    this.#term = term;
    return gaps.flatMap(({ gap, fires, restFrom }) => {
      const { from, count } = this.#sumOf({ gap, fires });
      if (restFrom !== null || count === 0) return [];
      const { scheduleId: schedule, tenantId, to, reason } = gap;
      return [{ schedule, tenantId, from, to, count, reason }];
    });
  }

  /** The decisions are written. */
  note(gaps: readonly DecidedGap[]): void {
    for (const { gap, fires, restFrom } of gaps)
      if (restFrom === null) this.#open.delete(gap.id);
      else this.#open.set(gap.id, this.#sumOf({ gap, fires }));
  }

  #sumOf({ gap, fires }: Pick<DecidedGap, 'gap' | 'fires'>): { from: Date; count: number } {
    const { from, count } = this.#open.get(gap.id) ?? { from: gap.from, count: 0 };
    const isLoss = OF_OUTAGES.includes(gap.reason);
    const missed = fires.filter(({ outcome }) => isLoss && outcome === 'missed').length;
    return { from, count: count + missed };
  }
}

const EXAMPLES = 10;

/** For a log line and an event: how many, and the schedules that lost the most. */
export function summaryOf(lost: readonly LostDueTimes[]): Record<string, unknown> {
  return {
    schedules: lost.length,
    dueTimes: lost.reduce((sum, { count }) => sum + count, 0),
    examples: lost.toSorted((a, b) => b.count - a.count).slice(0, EXAMPLES),
  };
}
