// Does a pause end when it was to end, without a request, and does what was due in it stay skipped, however late it is
// decided? A schedule of each second shows each due time.
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import type { PlannerLoop } from '#scheduling/planning/planner-loop.js';
import { changeSchedule, createSchedule, type ScheduleChange } from '#scheduling/schedules/schedules.js';
import { useLoneMember } from '../../support/test-member.js';
import { decideThePast, plannerOf } from '../../support/test-planner.js';
import { until } from '../../support/until.js';

let planner: PlannerLoop;
const { db, member, tenant } = useLoneMember();
beforeEach(async () => {
  planner = plannerOf(member);
  const spec = { kind: 'every' as const, seconds: 1, anchorAt: new Date(0) };
  const catchUp = { mode: 'all' as const, withinSeconds: 86_400, max: 100 };
  await createSchedule(db, tenant, { name: 'tick', jobType: 'noop', payload: {}, by: 'test', spec, catchUp });
});

const ref = () => ({ tenant, name: 'tick', revision: null, by: 'test' });
async function change(wanted: ScheduleChange): Promise<void> {
  expect(await changeSchedule(db, ref(), wanted)).toMatchObject({ kind: 'changed' });
}
const pauseUntil = (end: Date | null) => change({ kind: 'pause', until: end });
/** The first second that is so far ahead. */
async function secondAhead(seconds: number): Promise<Date> {
  const { rows } = await sql<{ at: Date }>`
    select date_trunc('second', clock_timestamp()) + make_interval(secs => ${seconds + 1}::int) as at`.execute(
    db,
  );
  return rows[0]?.at ?? new Date(0);
}
async function setBack(seconds: number): Promise<Date> {
  const { rows } = await sql<{ from: Date }>`
    update carillon.schedule set next_due_at = date_trunc('second', now()) - make_interval(secs => ${seconds}::int)
    returning next_due_at as from`.execute(db);
  return rows[0]?.from ?? new Date(0);
}
async function ledger(): Promise<{ dueMs: number; what: string }[]> {
  await decideThePast(db, member);
  const { rows } = await sql<{ dueAt: Date; outcome: string; reason: string | null }>`
    select due_at as "dueAt", outcome, reason from carillon.fire order by due_at`.execute(db);
  return rows.map(({ dueAt, outcome, reason }) => ({
    dueMs: +dueAt,
    what: `${outcome} ${reason ?? ''}`.trim(),
  }));
}
/** Each second has its row: skipped before the end of the pause, and planned from then on. */
function expectEnd(rows: Awaited<ReturnType<typeof ledger>>, end: Date): void {
  expect(rows.map(({ dueMs }) => dueMs)).toEqual(
    rows.map((_, index) => (rows[0]?.dueMs ?? 0) + index * 1_000),
  );
  for (const { dueMs, what } of rows)
    expect(what, new Date(dueMs).toISOString()).toMatch(dueMs < +end ? /^skipped paused$/ : /^planned/);
}

it('runs what is due from the end of the pause on, planned ahead, and nothing of what was due before', async () => {
  await planner.runOnce();
  const end = await secondAhead(2);
  await pauseUntil(end);
  expect(await ledger()).toEqual([]);
  const rows = await until('it has planned beyond the end', async () => {
    await planner.runOnce();
    const found = await ledger();
    return found.some(({ dueMs }) => dueMs > +end + 2_000) && found;
  });
  expectEnd(rows, end);
  expect(rows.filter(({ what }) => what.startsWith('skipped')).length).toBeGreaterThan(1);
});

it('decides nothing ahead that is due before the end, since it may be resumed until then', async () => {
  const end = await secondAhead(5);
  await pauseUntil(end);
  await planner.runOnce();
  const { rows } = await sql`select 1 from carillon.fire where due_at > now()`.execute(db);
  expect(rows).toEqual([]);
});

it('with an end that lies off the schedule, what is due before it stays skipped', async () => {
  const end = new Date(+(await secondAhead(1)) + 1);
  await pauseUntil(end);
  const rows = await until('it has planned beyond the end', async () => {
    await planner.runOnce();
    const found = await ledger();
    return found.some(({ dueMs }) => dueMs > +end) && found;
  });
  expectEnd(rows, end);
});

it('after an outage in which the pause ended, what was due in it is skipped and the rest is caught up on', async () => {
  await pauseUntil(await secondAhead(3_600));
  const from = await setBack(60);
  const end = new Date(+from + 30_000);
  await sql`update carillon.schedule set paused_until = ${end}`.execute(db);
  await planner.runOnce();
  const rows = await ledger();
  expect(rows[0]?.dueMs).toBe(+from);
  expectEnd(rows, end);
  expect(rows.filter(({ what }) => what === 'planned catch-up').length).toBeGreaterThan(10);
});

it('resumed before its end it runs the rest, and what was due in the pause stays skipped, also if it was undecided', async () => {
  await pauseUntil(await secondAhead(3_600));
  const from = await setBack(30);
  const before = Date.now();
  await change({ kind: 'resume' });
  await planner.runOnce();
  const rows = await ledger();
  const end = new Date(rows.find(({ what }) => what === 'planned')?.dueMs ?? 0);
  expectEnd(rows, end);
  expect(rows[0]?.dueMs).toBe(+from);
  expect(+end).toBeGreaterThan(before - 1_000);
  expect(+end).toBeLessThan(before + 3_000);
});

it('a later end takes back what was planned from the old one on', async () => {
  await pauseUntil(await secondAhead(1));
  await until('it has planned beyond the end', async () => {
    await planner.runOnce();
    return (await ledger()).some(({ what }) => what === 'planned');
  });
  await pauseUntil(null);
  await planner.runOnce();
  for (const { what } of await ledger()) expect(what).toBe('skipped paused');
});

it('an earlier end lets run what is due from then on', async () => {
  await pauseUntil(await secondAhead(3_600));
  const end = await secondAhead(1);
  await pauseUntil(end);
  const rows = await until('it has planned beyond the end', async () => {
    await planner.runOnce();
    const found = await ledger();
    return found.some(({ dueMs }) => dueMs > +end) && found;
  });
  expectEnd(rows, end);
});

it('a change of the spec in the pause keeps its end, for what was due before as well', async () => {
  const end = await secondAhead(3_600);
  await pauseUntil(end);
  await setBack(20);
  await change({ kind: 'edit', spec: { kind: 'every', seconds: 2, anchorAt: new Date(500) } });
  await planner.runOnce();
  const rows = await ledger();
  expect(rows.length).toBeGreaterThan(19);
  for (const { what } of rows) expect(what).toBe('skipped paused');
});

it('an end that has passed is refused, and changes nothing', async () => {
  const end = new Date(Date.now() - 60_000);
  expect(await changeSchedule(db, ref(), { kind: 'pause', until: end })).toMatchObject({
    kind: 'until-has-passed',
    until: end,
  });
  const { rows } = await sql<{ state: string }>`select state from carillon.schedule`.execute(db);
  expect(rows).toEqual([{ state: 'active' }]);
});

it('a replica of the version before, which knows no ends, leaves none of a pause for the next', async () => {
  await pauseUntil(await secondAhead(3_600));
  await sql`update carillon.schedule set state = 'active'`.execute(db);
  await sql`update carillon.schedule set state = 'paused'`.execute(db);
  const { rows } =
    await sql`select paused_until, paused_at is not null as since from carillon.schedule`.execute(db);
  expect(rows).toEqual([{ paused_until: null, since: true }]);
});
