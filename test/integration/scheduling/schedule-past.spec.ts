// What becomes of what a schedule was due, when it is changed or deleted before that has started or has even been planned?
// Each due time gets its one row all the same (I1), by what the schedule was then; what is still ahead is due no more.
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { PlannerLoop } from '#scheduling/planning/planner-loop.js';
import { changeSchedule, createSchedule, deleteSchedule } from '#scheduling/schedules/schedules.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { decideThePast, plannerOf } from '../../support/test-planner.js';
import { until } from '../../support/until.js';

let planner: PlannerLoop;
const { db, member, tenant } = useLoneMember();
beforeEach(async () => {
  planner = plannerOf(member);
  const spec = { kind: 'every' as const, seconds: 1, anchorAt: new Date(0) };
  await createSchedule(db, tenant, { name: 'tick', jobType: 'noop', payload: {}, by: 'test', spec });
});

/** The schedule's first due time lies so far back, and no leader has planned since. */
async function leaveBehind(seconds: number): Promise<Date> {
  const { rows } = await sql<{ from: Date }>`
    update carillon.schedule set next_due_at = date_trunc('second', now()) - make_interval(secs => ${seconds}::int)
    returning next_due_at as from`.execute(db);
  if (rows[0] === undefined) throw new Error('expected a schedule, found none');
  return rows[0].from;
}

const ref = () => ({ tenant, name: 'tick', revision: null, by: 'test' });
const yearly = { kind: 'every' as const, seconds: 31_536_000, anchorAt: new Date('2026-01-01T00:00:00Z') };
const replace = () => changeSchedule(db, ref(), { kind: 'edit', spec: yearly });
const WAYS: [string, string, () => Promise<{ kind: string }>][] = [
  ['is given another spec', 'schedule changed', replace],
  ['is deleted', 'schedule deleted', () => deleteSchedule(db, ref())],
];

interface Row {
  dueAt: Date;
  outcome: string;
  reason: string | null;
  hasRun: boolean;
}

async function ledger(): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select f.due_at as "dueAt", f.outcome, f.reason, exists (select 1 from carillon.run r where r.id = f.run_id) as "hasRun"
      from carillon.fire f order by f.due_at`.execute(db);
  return rows;
}

/** From the first due time on each second has its row, up to the moment between these two. */
function expectWhole(rows: readonly Row[], from: Date, [before, after]: [Date, Date]): void {
  expect(rows.map(({ dueAt }) => +dueAt)).toEqual(rows.map((_, index) => +from + index * 1_000));
  const last = +(rows.at(-1)?.dueAt ?? 0);
  expect(last).toBeGreaterThan(+before - 1_000);
  expect(last).toBeLessThanOrEqual(+after);
}

const now = async (): Promise<Date> => {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db);
  return rows[0]?.now ?? new Date(0);
};

describe.each(WAYS)('when a schedule %s', (_, reason, change) => {
  const missed = { outcome: 'missed', reason, hasRun: false };

  it('I1: what nobody had planned yet is missed, and says why', async () => {
    const from = await leaveBehind(20);
    const before = await now();
    await change();
    const after = await now();
    await planner.runOnce();
    await decideThePast(db, member);
    const rows = await ledger();
    expectWhole(rows, from, [before, after]);
    for (const row of rows) expect(row).toMatchObject(missed);
  });

  it('I1: what was planned and nobody had claimed is missed where it has passed, and gone where not', async () => {
    const from = await leaveBehind(8);
    await planner.runOnce();
    const before = await now();
    await change();
    const after = await now();
    await decideThePast(db, member);
    const rows = await ledger();
    expectWhole(rows, from, [before, after]);
    for (const row of rows) expect(row).toMatchObject(missed);
  });

  it('I1: what its owner holds keeps its row, among those that are missed', async () => {
    const from = await leaveBehind(20);
    await planner.runOnce();
    const owner = await startOwner(member, { claim: { runsPerClaim: 5 } });
    await owner.claim.runOnce();
    const held = owner.held.size;
    expect(held).toBeGreaterThan(0);
    await change();
    await decideThePast(db, member);
    const rows = await ledger();
    expect(rows.filter(({ hasRun }) => hasRun)).toHaveLength(held);
    const past = rows.filter(({ outcome }) => outcome === 'missed');
    expect(past.length).toBeGreaterThan(0);
    for (const row of past) expect(row).toMatchObject(missed);
    expect(+(rows[0]?.dueAt ?? 0)).toBe(+from);
  });

  it('while it is paused, its past is skipped as it would have been', async () => {
    await changeSchedule(db, ref(), { kind: 'pause' });
    await leaveBehind(5);
    await change();
    await decideThePast(db, member);
    const rows = await ledger();
    expect(rows.length).toBeGreaterThan(4);
    for (const row of rows) expect(row).toMatchObject({ outcome: 'skipped', reason: 'paused' });
  });
});

it('what a pause has skipped stays so, when a deletion goes back behind it', async () => {
  await changeSchedule(db, ref(), { kind: 'edit', runOptions: { jitterSeconds: 600 } });
  await leaveBehind(3);
  await planner.runOnce();
  const pausedAt = await now();
  await changeSchedule(db, ref(), { kind: 'pause' });
  await until('it is due in the pause', async () => +(await now()) > +pausedAt + 1_000);
  await changeSchedule(db, ref(), { kind: 'resume' });
  await deleteSchedule(db, ref());
  await decideThePast(db, member);
  const fates = (await ledger()).map(({ dueAt, outcome }) => [dueAt > pausedAt, outcome]);
  expect(new Set(fates.map(String))).toEqual(new Set(['false,missed', 'true,skipped']));
});

it('a run of a former spec that is put back later opens no due time that the present spec never had', async () => {
  const from = await leaveBehind(8);
  await planner.runOnce();
  const claim = randomUUID();
  await sql`
    insert into carillon.claim (id, replica, run_ids)
    select ${claim}, ${member.membership.trusted()?.replica}, array[run_id] from carillon.fire where due_at = ${from}`.execute(
    db,
  );
  await changeSchedule(db, ref(), {
    kind: 'edit',
    spec: { kind: 'every', seconds: 1, anchorAt: new Date(500) },
  });
  // Its owner died, and it waits for the next one.
  await sql`delete from carillon.claim where id = ${claim}`.execute(db);
  const changedAt = await now();
  await changeSchedule(db, ref(), { kind: 'pause' });
  await planner.runOnce();
  await decideThePast(db, member);
  const ofPresent = (await ledger()).filter(({ dueAt }) => dueAt.getMilliseconds() === 500);
  expect(ofPresent.filter(({ dueAt }) => +dueAt < +changedAt - 500)).toEqual([]);
});

it('a change that is refused leaves nothing behind', async () => {
  await leaveBehind(5);
  const spec = { kind: 'at' as const, at: new Date('2001-01-01T00:00:00Z') };
  expect(await changeSchedule(db, ref(), { kind: 'edit', spec })).toMatchObject({ kind: 'invalid-spec' });
  const { rows } = await sql`select 1 from carillon.schedule_gap`.execute(db);
  expect(rows).toEqual([]);
});

it('a change of something else goes on with the old due times', async () => {
  const from = await leaveBehind(5);
  await changeSchedule(db, ref(), { kind: 'edit', payload: { a: 1 } });
  await planner.runOnce();
  const rows = await ledger();
  expect(+(rows[0]?.dueAt ?? 0)).toBe(+from);
  expect(rows.every(({ outcome, hasRun }) => outcome === 'planned' && hasRun)).toBe(true);
});
