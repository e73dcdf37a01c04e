// Which due times come next, and what does the wall clock show then? They are found in slices, one preview at a time for
// each tenant, and a preview that takes too long ends early.
import { nextDueOf, zoneOf, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { offsetMs } from '#scheduling/decisions/wall-clock.js';
import { Slices } from './computing/slices.js';

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

/** Without the waiting between slices. */
const PREVIEW_MS_MAX = 500;

export class Previews extends Slices {
  /** At most so many, from after the instant on; fewer when no more will come, or when finding them takes too long. */
  async previewOf(spec: ScheduleSpec, { after, count }: { after: Date; count: number }): Promise<Preview> {
    const zone = zoneOf(spec) ?? 'UTC';
    const next = nextDueOf(spec);
    const found: PreviewedDueTime[] = [];
    let last = { dueAt: after, offset: offsetMs(zone, after.getTime()) };
    const isComplete = await this.compute((mayGoOn) => {
      while (mayGoOn()) {
        const dueAt = next(last.dueAt);
        if (dueAt === null) return true;
        const offset = offsetMs(zone, dueAt.getTime());
        found.push(shown({ dueAt, offset, before: last.offset }));
        last = { dueAt, offset };
        if (found.length === count) return true;
      }
      return false;
    }, PREVIEW_MS_MAX);
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
