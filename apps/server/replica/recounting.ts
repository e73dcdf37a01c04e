// Counts the due times of a schedule anew whose calendars have other dates, as a request would: in slices, so that the
// replica does all else meanwhile.
import type { Clock } from '#kernel/clock.js';
import type { Recount } from '#scheduling/calendars/calendar-loop.js';
import { boundsOf } from '#scheduling/decisions/due-times.js';
import { Counts } from '#server/http/schedules/computing/counts.js';

export function recounting(clock: Clock): Recount {
  const counts = new Counts(clock);
  return async (spec, calendars) => {
    const { counted } = boundsOf(spec);
    const onAnyDay = 'counted' in spec ? { ...spec } : spec;
    if ('counted' in onAnyDay) delete onAnyDay.counted;
    const count = counted === undefined ? null : { maxFires: counted.maxFires, after: counted.after };
    const moved = await counts.countedOut({ spec: onAnyDay, count }, calendars);
    if (!('ok' in moved)) return moved;
    throw new RangeError(`${moved.field}: expected ${moved.expected}, got ${moved.got}`);
  };
}
