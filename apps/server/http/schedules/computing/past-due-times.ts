// Which due times does a spec have in a span? They are found in slices, up to a number, and what takes longer than two
// seconds of computing is given up.
import { nextDueOf, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { Slices } from './slices.js';

const FIND_MS_MAX = 2_000;

export interface Span {
  /** Inclusive. */
  from: Date;
  /** Exclusive. */
  to: Date;
}

export type DueTimesFound = { kind: 'all'; dueTimes: Date[] } | { kind: 'too-many' } | TooCostly;

interface TooCostly {
  kind: 'too-costly';
  /** Of so many, the last is this. */
  found: number;
  until: Date;
}

export class PastDueTimes extends Slices {
  async findIn(spec: ScheduleSpec, { from, to }: Span, max: number): Promise<DueTimesFound> {
    const next = nextDueOf(spec);
    const dueTimes: Date[] = [];
    let after = new Date(from.getTime() - 1);
    const isDone = await this.compute((mayGoOn) => {
      while (mayGoOn()) {
        const dueAt = next(after);
        if (dueAt === null || dueAt >= to) return true;
        dueTimes.push(dueAt);
        if (dueTimes.length > max) return true;
        after = dueAt;
      }
      return false;
    }, FIND_MS_MAX);
    if (dueTimes.length > max) return { kind: 'too-many' };
    return isDone ? { kind: 'all', dueTimes } : { kind: 'too-costly', found: dueTimes.length, until: after };
  }
}
