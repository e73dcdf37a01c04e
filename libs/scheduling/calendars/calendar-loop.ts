// Moves schedules to the present dates of their calendars. The leader does it, soon, by the change that a
// request makes: planned runs are taken back, the due times up to now stay those of the old dates, and the revision grows.
// Every replica could do it safely, so it needs no fence of its term. A schedule of which no due time is left shows none,
// and comes back with the next change of its calendars. After each batch the loop rests for as long as the batch took, since
// each change holds off the claims of an owner for a moment.
import type { Leadership } from '#cluster/leadership/leadership.js';
import type { AskedLoop } from '#cluster/lookout/lookout-loop.js';
import type { Database } from '#database/connection.js';
import type { Clock } from '#kernel/clock.js';
import type { ScheduleId, TenantId } from '#kernel/ids.js';
import { ASKED_SLEEP_MS, SLEEP_MS } from '#kernel/loop.js';
import type { Calendars } from '#scheduling/decisions/calendars/open-days.js';
import { boundsOf, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { SetAside } from '#scheduling/planning/set-aside.js';
import { changeSchedule } from '#scheduling/schedules/schedules.js';
import { parseSpec } from '#scheduling/stored-spec.js';
import {
  findOutdated,
  forgetSettled,
  isAnyChange,
  readChanges,
  type OutdatedSchedule,
} from './calendar-change.repository.js';
import { namesOf, resolveCalendars } from './calendars.js';

/** The hint of a change is sooner. */
const LOOK_MS = 3_000;
const SCHEDULES_PER_PASS = 50;
/** A schedule whose last due time takes long to count takes two seconds: then its tenant's others wait for the next pass. */
const TENANT_MS_PER_PASS = 200;

/** The spec with other calendars, with its last due time counted anew; throws where that takes too long. */
export type Recount = (spec: ScheduleSpec, calendars: Calendars) => Promise<ScheduleSpec>;

export class CalendarLoop implements AskedLoop {
  readonly name = 'calendars';
  readonly question = isAnyChange;
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
    const notes = await readChanges(db);
    if (notes.length === 0) return ASKED_SLEEP_MS;
    const { clock } = this.options;
    const fromMs = clock.monotonicMs();
    const calendars = notes.map(({ calendarId }) => calendarId);
    const limit = SCHEDULES_PER_PASS;
    const outdated = await findOutdated(db, { calendars, except: this.setAside.ids(), limit });
    await this.#moveAll(db, outdated);
    await forgetSettled(db, { notes, except: this.setAside.ids() });
    return outdated.length === 0 ? LOOK_MS : clock.monotonicMs() - fromMs;
  }

  /** A tenant whose owner hangs, or whose schedules take long, goes on in the next pass. */
  async #moveAll(db: Database, outdated: readonly OutdatedSchedule[]): Promise<void> {
    const { clock } = this.options;
    const spentMs = new Map<TenantId, number>();
    for (const schedule of outdated) {
      const { tenantId } = schedule;
      const soFarMs = spentMs.get(tenantId) ?? 0;
      if (soFarMs > TENANT_MS_PER_PASS) continue;
      const fromMs = clock.monotonicMs();
      const isMoved = await this.#move(db, schedule);
      spentMs.set(tenantId, isMoved ? soFarMs + clock.monotonicMs() - fromMs : Number.POSITIVE_INFINITY);
    }
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
