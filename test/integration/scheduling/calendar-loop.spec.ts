// Does a schedule follow its calendar while another tenant keeps the loop busy? The leader moves one of each tenant, then a
// second one of each, and leaves a tenant to the next pass whose schedules take long.
import { randomUUID } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import { CalendarLoop } from '#scheduling/calendars/calendar-loop.js';
import { putCalendar, resolveCalendars } from '#scheduling/calendars/calendars.js';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { findSchedule } from '#scheduling/schedules/schedule.repository.js';
import { createSchedule } from '#scheduling/schedules/schedules.js';
import type { Slot, TenantId } from '#kernel/ids.js';
import { ASKED_SLEEP_MS } from '#kernel/loop.js';
import { FakeClock } from '../../support/fake-clock.js';
import { addTenant } from '../../support/rows.js';
import { useLoneMember } from '../../support/test-member.js';

type Owner = { id: TenantId; slot: Slot };

/** More than one pass takes. */
const CROWD = 60;
const SLOW_MS = 2_000;
const names = { exclude: ['holidays'] };

let busy: Owner;
let recounted: number;
let loop: CalendarLoop;
const { db, member, tenant } = useLoneMember();

beforeEach(async () => {
  const clock = new FakeClock();
  recounted = 0;
  loop = new CalendarLoop(member.leadership, {
    clock,
    recount: (spec, calendars) => {
      recounted += 1;
      clock.advance(isSlow(spec) ? SLOW_MS : 0);
      return Promise.resolve({ ...spec, calendars } as ScheduleSpec);
    },
  });
  busy = await addTenant(db);
  await setDates(busy, '2031-01-01');
  await setDates(tenant, '2031-01-01');
});

const isSlow = (spec: ScheduleSpec): boolean => spec.kind === 'every' && spec.seconds > 60;
const setDates = ({ id }: Pick<Owner, 'id'>, date: string) =>
  putCalendar(
    db,
    { tenantId: id, name: 'holidays', revision: null },
    { dates: [date], description: null, mayCreate: true, mayReplace: true },
  );
async function addSchedule(of: Owner, seconds: number): Promise<string> {
  const resolved = await resolveCalendars(db, of.id, names);
  if (!('calendars' in resolved) || resolved.calendars === null) expect.unreachable('expected a calendar');
  const { calendars } = resolved;
  const spec: ScheduleSpec = { kind: 'every', seconds, anchorAt: new Date(0), calendars };
  const name = `s-${randomUUID()}`;
  await createSchedule(db, of, { name, jobType: 'noop', payload: {}, by: 'test', spec });
  return name;
}
async function revisionOf({ id: tenantId }: Pick<Owner, 'id'>, name: string): Promise<number | undefined> {
  return (await findSchedule(db, { tenantId, name }))?.revision;
}

it('one schedule is moved in the first pass, however many another tenant has', async () => {
  for (let count = 0; count < CROWD; count += 1) await addSchedule(busy, 60);
  const name = await addSchedule(tenant, 60);
  await setDates(busy, '2031-01-02');
  await setDates(tenant, '2031-01-02');
  await loop.runOnce();
  expect(await revisionOf(tenant, name)).toBe(2);
  await loop.runOnce();
  expect(recounted).toBe(CROWD + 1);
  expect(await loop.runOnce()).toBe(ASKED_SLEEP_MS);
});

it('a tenant whose schedules take long keeps no other waiting for more than one of them', async () => {
  for (let count = 0; count < 5; count += 1) await addSchedule(busy, 3_600);
  const ours = [await addSchedule(tenant, 60), await addSchedule(tenant, 60), await addSchedule(tenant, 60)];
  await setDates(busy, '2031-01-02');
  await setDates(tenant, '2031-01-02');
  await loop.runOnce();
  for (const name of ours) expect(await revisionOf(tenant, name)).toBe(2);
  expect(recounted).toBe(ours.length + 1);
  for (let pass = 0; pass < 4; pass += 1) await loop.runOnce();
  expect(recounted).toBe(ours.length + 5);
});

it('a calendar that is changed again and again does not keep those of others from being settled', async () => {
  const name = await addSchedule(tenant, 60);
  await addSchedule(busy, 60);
  for (let day = 10; day < 30; day += 1) await setDates(busy, `2031-01-${day}`);
  await setDates(tenant, '2031-01-02');
  await loop.runOnce();
  expect(await revisionOf(tenant, name)).toBe(2);
  expect(await loop.runOnce()).toBe(ASKED_SLEEP_MS);
});
