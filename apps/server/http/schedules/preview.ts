// Which due times come next, and what does the wall clock show then? They are found a few at a time, because finding
// those of a rare kind of expression takes milliseconds each, on the event loop that a whole replica shares.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { dueTimes, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { offsetMs } from '#scheduling/decisions/wall-clock.js';

export interface PreviewedDueTime {
  dueAt: Date;
  /** RFC 3339, as the clock of the schedule's zone shows it. */
  local: string;
  /** How far that clock was set forward since the due time before, or back, below 0; null where it was not. */
  clockSetSeconds: number | null;
}

const AT_A_TIME = 20;
const END = new Date(Date.UTC(9999, 11, 31, 23, 59, 59, 999));

/** At most so many, from after the instant on; fewer when no more will come. */
export async function previewOf(
  spec: ScheduleSpec,
  { after, count }: { after: Date; count: number },
): Promise<PreviewedDueTime[]> {
  const found: Date[] = [];
  for (let isMore = true; isMore && found.length < count; await nextTurn()) {
    const limit = Math.min(AT_A_TIME, count - found.length);
    const next = dueTimes(spec, { after: found.at(-1) ?? after, through: END, limit });
    found.push(...next);
    isMore = next.length === limit;
  }
  const zone = spec.kind === 'cron' ? spec.timeZone : 'UTC';
  let before = offsetMs(zone, after.getTime());
  return found.map((dueAt) => {
    const offset = offsetMs(zone, dueAt.getTime());
    const setMs = offset - before;
    before = offset;
    return { dueAt, local: localText(dueAt, offset), clockSetSeconds: setMs === 0 ? null : setMs / 1_000 };
  });
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
