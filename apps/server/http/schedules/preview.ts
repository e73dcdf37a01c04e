// Which due times come next, and what does the wall clock show then? Finding those of a rare kind of expression takes
// milliseconds each, on the event loop that a whole replica shares. So they are found in slices, one slice at a time for
// all previews together, one preview at a time for each tenant, and a preview that takes too long ends early.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#kernel/clock.js';
import { nextDueOf, zoneOf, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { offsetMs } from '#scheduling/decisions/wall-clock.js';
import { FREE_TURN } from '../access/request-turns.js';
import { TenantTurns } from '../access/tenant-turns.js';
import { KeyTurns } from '../requests/key-turns.js';

export interface PreviewedDueTime {
  dueAt: Date;
  /** RFC 3339, as the clock of the schedule's zone shows it. */
  local: string;
  /** How far that clock was set forward since the due time before, or back, below 0; null where it was not. */
  clockSetSeconds: number | null;
}

export interface Preview {
  dueTimes: PreviewedDueTime[];
  /** False when more will come than was found in time. */
  isComplete: boolean;
}

const SLICE_MS = 10;
/** Without the waiting between slices. */
const SLICES_MS_MAX = 500;

export class Previews extends TenantTurns {
  readonly #slices = new KeyTurns<'all'>();

  constructor(private readonly clock: Clock) {
    super();
  }

  /** At most so many, from after the instant on; fewer when no more will come, or when finding them takes too long. */
  async previewOf(spec: ScheduleSpec, { after, count }: { after: Date; count: number }): Promise<Preview> {
    const zone = zoneOf(spec) ?? 'UTC';
    const next = nextDueOf(spec);
    const found: PreviewedDueTime[] = [];
    let last = { dueAt: after, offset: offsetMs(zone, after.getTime()) };
    let isComplete = false;
    const findSome = async (): Promise<number> => {
      const fromMs = this.clock.monotonicMs();
      const tookMs = (): number => this.clock.monotonicMs() - fromMs;
      while (!isComplete && tookMs() < SLICE_MS) {
        const dueAt = next(last.dueAt);
        if (dueAt !== null) {
          const offset = offsetMs(zone, dueAt.getTime());
          found.push(shown({ dueAt, offset, before: last.offset }));
          last = { dueAt, offset };
        }
        isComplete = dueAt === null || found.length === count;
      }
      const sliceMs = tookMs();
      await nextTurn();
      return sliceMs;
    };
    const isOver = (): boolean => isComplete;
    for (let spentMs = 0; !isOver() && spentMs < SLICES_MS_MAX;)
      spentMs += await this.#slices.act('all', FREE_TURN, findSome);
    return { dueTimes: found, isComplete };
  }
}

function shown({ dueAt, offset, before }: { dueAt: Date; offset: number; before: number }): PreviewedDueTime {
  const setMs = offset - before;
  return { dueAt, local: localText(dueAt, offset), clockSetSeconds: setMs === 0 ? null : setMs / 1_000 };
}

function localText(dueAt: Date, offset: number): string {
  const wall = new Date(dueAt.getTime() + offset).toISOString().slice(0, -1);
  // RFC 3339 has no seconds in offsets, which zones had before 1972 only.
  const minutes = Math.trunc(Math.abs(offset) / 60_000);
  const [hour, minute] = [Math.trunc(minutes / 60), minutes % 60].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${wall}${offset < 0 ? '-' : '+'}${hour}:${minute}`;
}
