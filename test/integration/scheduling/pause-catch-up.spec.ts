// What runs of the due times of a pause, when the request that ends it wants them caught up on? What the policy would choose
// after an outage of that length, once each, or nothing at all. A pause of hours is played by setting its beginning back.
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
const DAY = 86_400;
const ALL: CatchUp = { mode: 'all', withinSeconds: DAY, max: 100 };
const ref = () => ({ tenant, name: 'job', revision: null, by: 'test' });
const pause = () => changeSchedule(db, ref(), { kind: 'pause' });
const resume = (catchUp = true) => changeSchedule(db, ref(), { kind: 'resume', catchUp });

/** It has been paused for so long, and was due at each full hour. */
async function pausedFor(hours: number, catchUp: CatchUp, jobType = 'noop'): Promise<void> {
  await createSchedule(db, tenant, { name: 'job', jobType, payload: {}, by: 'test', spec: HOURLY, catchUp });
  await pause();
  await sql`
    update carillon.schedule
       set paused_at = now() - make_interval(hours => ${hours}::int),
           next_due_at = to_timestamp(ceil(extract(epoch from now() - make_interval(hours => ${hours}::int)) / 3600) * 3600)
     where name = 'job'`.execute(db);
}

const decide = async (): Promise<void> => {
  await plannerOf(member).runOnce();
  await decideThePast(db, member);
};

/** Of what has passed, from the newest on; `runs` is how many runs stand for it. */
async function ledger(): Promise<string[]> {
  const { rows } = await sql<{ outcome: string; reason: string; runs: number }>`
    select f.outcome, f.reason, (select count(*)::int from carillon.run r where r.schedule_id = f.schedule_id and r.due_at = f.due_at) as runs
      from carillon.fire f where f.due_at <= now() order by f.due_at desc`.execute(db);
  return rows.map(({ outcome, reason, runs }) => `${outcome} ${reason} ${runs}`);
}
const CAUGHT_UP = 'planned catch-up 1';
const SKIPPED = 'skipped paused 0';
const times = (count: number, what: string) => Array<string>(count).fill(what);

describe('a schedule that is resumed and catches up', () => {
  it.each([
    ['the newest as many as it says, with mode all', { ...ALL, max: 4 }, 4],
    ['the latest, with mode latest', { mode: 'latest', withinSeconds: DAY }, 1],
    ['what is young enough', { ...ALL, withinSeconds: 3 * 3_600 }, 3],
  ] as const)('runs %s, and the rest stays skipped', async (_, policy, runs) => {
    await pausedFor(9, policy);
    await decide();
    expect(await ledger()).toEqual(times(9, SKIPPED));
    expect(await resume()).toMatchObject({ kind: 'changed', schedule: { state: 'active', revision: 3 } });
    expect(await ledger()).toEqual([...times(runs, CAUGHT_UP), ...times(9 - runs, SKIPPED)]);
    await decide();
    expect(await ledger()).toEqual([...times(runs, CAUGHT_UP), ...times(9 - runs, SKIPPED)]);
  });

  it('does so as well when no leader has decided anything of the pause', async () => {
    await pausedFor(9, { ...ALL, max: 4 });
    await resume();
    await decide();
    expect(await ledger()).toEqual([...times(4, CAUGHT_UP), ...times(5, SKIPPED)]);
  });

  it('starts them once each, in the order of their due times', async () => {
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
    await pausedFor(12, ALL, 'one');
    await decide();
    await resume();
    expect(await resume()).toEqual({ kind: 'invalid-state', state: 'active' });
    await until('all have run', async () => {
      await owner.claimAll();
      await owner.start.runOnce();
      await owner.settleLoop.runOnce();
      return (await ledger()).every((row) => row === 'late catch-up 0');
    });
    expect(started).toHaveLength(12);
    expect(started).toEqual(started.toSorted((a, b) => a - b));
  });

  it('leaves alone what a request had skipped, and what was due before the spec was replaced', async () => {
    await pausedFor(6, ALL);
    await decide();
    await sql`
      update carillon.fire set reason = 'requested' where due_at = (select max(due_at) from carillon.fire)`.execute(
      db,
    );
    await sql`update carillon.schedule set spec_since = now() - interval '4 hours'`.execute(db);
    await resume();
    expect(await ledger()).toEqual(['skipped requested 0', ...times(3, CAUGHT_UP), ...times(2, SKIPPED)]);
  });

  it('has its only due time, which passed in the pause', async () => {
    await pausedFor(1, ALL);
    await sql`
      update carillon.schedule
         set spec = jsonb_build_object('kind', 'at', 'at', to_char(next_due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))`.execute(
      db,
    );
    await decide();
    expect(await resume(false)).toEqual({ kind: 'invalid-state', state: 'ended' });
    expect(await resume()).toMatchObject({ kind: 'changed', schedule: { state: 'active', nextDueAt: null } });
    expect(await ledger()).toEqual([CAUGHT_UP]);
  });

  it('is paused again, and its runs that have not started are taken back', async () => {
    await pausedFor(3, ALL);
    await resume();
    await pause();
    await decide();
    expect(await ledger()).toEqual(times(3, SKIPPED));
  });
});

describe('a schedule that can not catch up', () => {
  const isUntouched = async (): Promise<void> => {
    expect(await ledger()).toEqual(times(5, SKIPPED));
    const { rows } = await sql`select state, revision::int from carillon.schedule`.execute(db);
    expect(rows).toEqual([{ state: 'paused', revision: 2 }]);
  };

  it('stays paused when its policy makes up for nothing', async () => {
    await pausedFor(5, { mode: 'none' });
    await decide();
    expect(await resume()).toEqual({ kind: 'no-catch-up', mode: 'none' });
    await isUntouched();
  });

  it('stays paused when its tenant has no place for all of its runs', async () => {
    await sql`update carillon.tenant set limits = limits || '{"maxQueued": 4}' where id = ${tenant.id}`.execute(
      db,
    );
    await pausedFor(5, ALL);
    await decide();
    expect(await resume()).toEqual({ kind: 'no-place', wanted: 5, maxQueued: 4, queued: 0 });
    await isUntouched();
    await sql`update carillon.tenant set limits = limits || '{"maxQueued": 5}' where id = ${tenant.id}`.execute(
      db,
    );
    expect(await resume()).toMatchObject({ kind: 'changed' });
    expect(await ledger()).toEqual(times(5, CAUGHT_UP));
  });
});
