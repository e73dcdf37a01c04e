// What runs of the due times that passed while no leader planned? What the schedule's catch-up policy says, behind what is
// due now, and each due time has its one row. An outage is played by setting next due times back.
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { changeSchedule, createSchedule } from '#scheduling/schedules/schedules.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { decideThePast, plannerOf } from '../../support/test-planner.js';
import { until } from '../../support/until.js';

const { db, member, tenant } = useLoneMember();

const HOURLY: ScheduleSpec = { kind: 'every', seconds: 3_600, anchorAt: new Date(0) };
const HOUR_MS = 3_600_000;

/** No leader has planned it for so long. */
async function scheduleAfter(
  outageMs: number,
  wish: { spec?: ScheduleSpec; catchUp?: CatchUp } = {},
): Promise<void> {
  const { spec = HOURLY, catchUp } = wish;
  await createSchedule(db, tenant, { name: 'job', jobType: 'noop', payload: {}, by: 'test', spec, catchUp });
  await sql`
    update carillon.schedule
       set next_due_at = to_timestamp(ceil(extract(epoch from now() - ${outageMs} * interval '1 ms') / 3600) * 3600)
     where name = 'job'`.execute(db);
}

interface Row {
  outcome: string;
  reason: string | null;
  hoursAgo: number;
  hasRun: boolean;
  /** Its run comes before what is due from now on, and after what was due before. */
  isBehindPresent: boolean | null;
}

/** From the newest on, but for what is still ahead. */
async function ledger(): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select f.outcome, f.reason, floor(extract(epoch from now() - f.due_at) / 3600)::int as "hoursAgo", r.id is not null as "hasRun",
           r.run_at > now() - interval '1 minute' as "isBehindPresent"
      from carillon.fire f left join carillon.run r on r.id = f.run_id
     where f.due_at <= now() order by f.due_at desc`.execute(db);
  return rows;
}

async function planAndDecide(): Promise<Row[]> {
  await plannerOf(member).runOnce();
  await decideThePast(db, member);
  return ledger();
}

const caughtUp = { outcome: 'planned', reason: 'catch-up', hasRun: true, isBehindPresent: true };

describe('after an outage', () => {
  it('of a day and more the latest due time runs, and stands for the others', async () => {
    await scheduleAfter(30 * HOUR_MS);
    const rows = await planAndDecide();
    expect(rows).toHaveLength(30);
    expect(rows[0]).toEqual({ ...caughtUp, hoursAgo: 0 });
    for (const row of rows.slice(1))
      expect(row).toMatchObject({ outcome: 'coalesced', reason: 'outage', hasRun: false });
  });

  it('no run has expired before it could start', async () => {
    const spec: ScheduleSpec = { kind: 'every', seconds: 2, anchorAt: new Date(0) };
    const runOptions = { deadlineSeconds: 1 };
    const wish = { name: 'brief', jobType: 'noop', payload: {}, by: 'test', spec, runOptions };
    await createSchedule(db, tenant, {
      ...wish,
      by: 'test',
      catchUp: { mode: 'all', withinSeconds: 60, max: 100 },
    });
    await sql`update carillon.schedule set next_due_at = next_due_at - interval '30 seconds' where name = 'brief'`.execute(
      db,
    );
    await planAndDecide();
    const { rows } = await sql<{ runs: number; expired: number }>`
      select count(*)::int as runs, (count(*) filter (where deadline < created_at + interval '500 ms'))::int as expired
        from carillon.run where deadline is not null`.execute(db);
    expect(rows[0]?.runs).toBeGreaterThan(15);
    expect(rows[0]?.expired).toBe(0);
  });

  it('what is planned only once runs late, within the bounds of its policy', async () => {
    const { rows } = await sql<{ at: Date }>`select date_trunc('milliseconds', now()) as at`.execute(db);
    const ago = (ms: number) => new Date(+(rows[0]?.at ?? 0) - ms);
    for (const [name, at] of [
      ['in-time', ago(90_000)],
      ['too-old', ago(25 * HOUR_MS)],
    ] as const) {
      const future = new Date(+at + 100 * HOUR_MS);
      const spec = { kind: 'at' as const, at: future };
      await createSchedule(db, tenant, { name, jobType: 'noop', payload: {}, by: 'test', spec });
      const stored = JSON.stringify({ kind: 'at', at: at.toISOString() });
      await sql`update carillon.schedule set spec = ${stored}::jsonb, next_due_at = ${at} where name = ${name}`.execute(
        db,
      );
    }
    expect(await planAndDecide()).toEqual([
      { ...caughtUp, hoursAgo: 0 },
      { outcome: 'missed', reason: 'catch-up window', hoursAgo: 25, hasRun: false, isBehindPresent: null },
    ]);
  });

  it('nothing runs of a schedule that does not want it', async () => {
    await scheduleAfter(3 * HOUR_MS, { catchUp: { mode: 'none' } });
    const rows = await planAndDecide();
    expect(rows).toHaveLength(3);
    for (const row of rows)
      expect(row).toMatchObject({ outcome: 'missed', reason: 'no catch-up', hasRun: false });
  });

  it('all run of a schedule that wants it, the newest of them, in bounds', async () => {
    await scheduleAfter(9 * HOUR_MS, { catchUp: { mode: 'all', withinSeconds: 86_400, max: 4 } });
    const rows = await planAndDecide();
    expect(rows.map(({ reason }) => reason)).toEqual([
      ...Array<string>(4).fill('catch-up'),
      ...Array<string>(5).fill('catch-up limit'),
    ]);
    for (const [hoursAgo, row] of rows.slice(0, 4).entries()) expect(row).toEqual({ ...caughtUp, hoursAgo });
  });

  it('those that run start in the order of their due times, also those of several schedules', async () => {
    const started: number[] = [];
    const owner = await startOwner(member, {
      handlers: {
        one: (_, { dueAt }) => {
          started.push(+(dueAt ?? 0));
          return Promise.resolve();
        },
      },
      limitsOf: { one: { maxConcurrent: 1 } },
    });
    const catchUp: CatchUp = { mode: 'all', withinSeconds: 86_400, max: 100 };
    for (const [name, seconds] of [
      ['hourly', 3_600],
      ['half-hourly', 1_800],
    ] as const) {
      const spec: ScheduleSpec = { kind: 'every', seconds, anchorAt: new Date(seconds) };
      await createSchedule(db, tenant, { name, jobType: 'one', payload: {}, by: 'test', spec, catchUp });
    }
    await sql`update carillon.schedule set next_due_at = next_due_at - interval '12 hours'`.execute(db);
    const due = (await planAndDecide()).filter(({ reason }) => reason === 'catch-up').length;
    expect(due).toBeGreaterThan(30);
    await until('all have run', async () => {
      await owner.claimAll();
      await owner.start.runOnce();
      await owner.settleLoop.runOnce();
      return started.length >= due;
    });
    expect(started.slice(0, due)).toEqual(started.slice(0, due).toSorted((a, b) => a - b));
  });

  it('a change that leaves the spec alone takes back what was caught up on, and it is caught up on again', async () => {
    await scheduleAfter(5 * HOUR_MS);
    await plannerOf(member).runOnce();
    await changeSchedule(
      db,
      { tenant, name: 'job', revision: null, by: 'test' },
      { kind: 'edit', payload: { a: 1 } },
    );
    expect(await ledger()).toEqual([]);
    const rows = await planAndDecide();
    expect(rows).toHaveLength(5);
    expect(rows[0]).toEqual({ ...caughtUp, hoursAgo: 0 });
  });
});

describe('due times that are lost', () => {
  const events = async () =>
    (
      await sql<{
        data: object;
      }>`select data from carillon.cluster_event where type = 'due-times-missed'`.execute(db)
    ).rows;

  it('are an event of the cluster, one for all of them', async () => {
    await scheduleAfter(30 * HOUR_MS, { catchUp: { mode: 'none' } });
    await planAndDecide();
    expect(await events()).toMatchObject([
      { data: { schedules: 1, dueTimes: 30, examples: [{ count: 30, reason: 'no catch-up' }] } },
    ]);
  });

  it('are none where a later run stands for them', async () => {
    await scheduleAfter(30 * HOUR_MS);
    await planAndDecide();
    expect(await events()).toEqual([]);
  });
});
