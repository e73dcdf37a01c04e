// Moves schedules to the present dates of their calendars. The leader does it, about once a second, by the change that a
// request makes: planned runs are taken back, the due times up to now stay those of the old dates, and the revision grows.
// Every replica could do it safely, so it needs no fence of its term. A schedule of which no due time is left shows none,
// and comes back with the next change of its calendars. After each batch the loop rests for as long as the batch took, since
// each change holds off the claims of an owner for a moment.
import type { Leadership } from '#cluster/leadership/leadership.js';
import type { Database } from '#database/connection.js';
import type { Clock } from '#kernel/clock.js';
import type { ScheduleId } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import type { Calendars } from '#scheduling/decisions/calendars/open-days.js';
import { boundsOf, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { SetAside } from '#scheduling/planning/set-aside.js';
import { changeSchedule } from '#scheduling/schedules/schedules.js';
import { parseSpec } from '#scheduling/stored-spec.js';
import {
  findOutdated,
  forgetChanges,
  readChanges,
  type OutdatedSchedule,
} from './calendar-change.repository.js';
import { namesOf, resolveCalendars } from './calendars.js';

const LOOK_MS = 1_000;
const NOTES_PER_PASS = 500;
const SCHEDULES_PER_PASS = 50;

/** The spec with other calendars, with its last due time counted anew; throws where that takes too long. */
export type Recount = (spec: ScheduleSpec, calendars: Calendars) => Promise<ScheduleSpec>;

export class CalendarLoop implements Loop {
  readonly name = 'calendars';
  readonly setAside: SetAside<ScheduleId>;

  constructor(
    private readonly leadership: Leadership,
    private readonly options: { clock: Clock; recount: Recount },
  ) {
    this.setAside = new SetAside(options.clock);
  }

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null) return SLEEP_MS;
    const { db } = leader.incarnation;
    const notes = await readChanges(db, NOTES_PER_PASS);
    if (notes.length === 0) return LOOK_MS;
    const { clock } = this.options;
    const fromMs = clock.monotonicMs();
    const outdated = await findOutdated(db, {
      calendars: notes.map(({ calendarId }) => calendarId),
      except: this.setAside.ids(),
      limit: SCHEDULES_PER_PASS,
    });
    if (outdated.length === 0) {
      await forgetChanges(
        db,
        notes.map(({ id }) => id),
      );
      return notes.length === NOTES_PER_PASS ? 0 : LOOK_MS;
    }
    // One whose owner hangs is tried again, in a moment.
    for (const schedule of outdated) if (!(await this.#move(db, schedule))) return LOOK_MS;
    return clock.monotonicMs() - fromMs;
  }

  /** False when the owner of its slot hangs. */
  async #move(
    db: Database,
    { id, tenantId, slot, name, revision, storedSpec }: OutdatedSchedule,
  ): Promise<boolean> {
    const spec = this.setAside.try(id, () => parseSpec(storedSpec));
    const present = spec === null ? undefined : boundsOf(spec).calendars;
    if (spec === null || present === undefined) return true;
    const resolved = await resolveCalendars(db, tenantId, namesOf(present));
    // It has others by now.
    if ('unknown' in resolved || resolved.calendars === null) return true;
    const { calendars } = resolved;
    const moved = await this.options.recount(spec, calendars).catch((error: unknown) =>
      this.setAside.try<ScheduleSpec>(id, () => {
        throw error;
      }),
    );
    if (moved === null) return true;
    const ref = { tenant: { id: tenantId, slot }, name, revision, by: 'carillon' };
    const { kind } = await changeSchedule(db, ref, {
      kind: 'edit',
      spec: moved,
      mayEnd: true,
      source: 'same',
    });
    return kind !== 'owner-hangs';
  }
}
