// Which due time is the last of a spec that may have only so many? For an interval that is arithmetic. For other kinds the
// due times are counted out, in slices; what takes longer than two seconds is refused.
import type { CalendarNames } from '#scheduling/calendars/calendars.js';
import type { Calendars } from '#scheduling/decisions/calendars/open-days.js';
import {
  nextDueAt,
  nextDueOf,
  validateSpec,
  type InvalidSpec,
  type ScheduleSpec,
} from '#scheduling/decisions/due-times.js';
import { countOn, type Count, type Counted } from '#scheduling/decisions/kinds/max-fires.js';
import { Slices } from './slices.js';

const COUNT_MS_MAX = 2_000;

/** A spec as it was given: the days of its calendars are still to be found, and its due times to be counted out. */
export interface DraftSpec {
  spec: ScheduleSpec;
  /** Null for as many as come. */
  count: Omit<Counted, 'lastAt'> | null;
  /** Null for none. */
  calendars: CalendarNames | null;
}

export class Counts extends Slices {
  /** The spec with its last due time, or what is wrong with it. */
  async countedOut(
    { spec: onAnyDay, count }: Pick<DraftSpec, 'spec' | 'count'>,
    calendars: Calendars | null,
  ): Promise<ScheduleSpec | InvalidSpec> {
    if (onAnyDay.kind === 'at' || onAnyDay.kind === 'instants') return onAnyDay;
    const spec = calendars === null ? onAnyDay : { ...onAnyDay, calendars };
    if (count === null) return spec;
    const verdict = validateSpec(spec);
    if (!verdict.ok) return verdict;
    const { maxFires, after } = count;
    if (spec.kind === 'every' && calendars === null) {
      const first = nextDueAt(spec, after);
      const lastMs = first === null ? null : first.getTime() + (maxFires - 1) * spec.seconds * 1_000;
      const isCut = lastMs === null || nextDueAt(spec, new Date(lastMs - 1)) === null;
      return { ...spec, counted: { ...count, lastAt: isCut ? null : new Date(lastMs) } };
    }
    const next = nextDueOf(spec);
    let counted: Count = { reached: after, left: maxFires, isOver: false };
    const isDone = await this.compute((mayGoOn) => {
      counted = countOn(next, counted, mayGoOn);
      return counted.isOver;
    }, COUNT_MS_MAX);
    const { reached, left } = counted;
    if (isDone) return { ...spec, counted: { ...count, lastAt: left === 0 ? reached : null } };
    const expected = `a number that can be counted out in ${COUNT_MS_MAX / 1_000} s, such as ${maxFires - left}`;
    return { ok: false, field: 'maxFires', expected, got: String(maxFires) };
  }
}
