// Does each due time get exactly one decision, by any leader and through any change of its schedule?
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { changeSchedule, createSchedule, deleteSchedule } from '#scheduling/schedules/schedules.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';
import { decideThePast, plannerOf } from '../../support/test-planner.js';

const { db, member, tenant } = useLoneMember();

function everySecond(): ScheduleSpec {
  return { kind: 'every', seconds: 1, anchorAt: new Date(0) };
}

async function addSchedule(spec: ScheduleSpec = everySecond(), jobType = 'noop') {
  const result = await createSchedule(db, tenant, { name: 'tick', jobType, payload: {}, by: 'test', spec });
  if (result.kind !== 'created') throw new Error(`expected a schedule, got ${JSON.stringify(result)}`);
  return result.schedule;
}

interface FireRow {
  dueAt: Date;
  outcome: string;
  reason: string | null;
  hasRun: boolean;
}

async function ledger(): Promise<FireRow[]> {
  const { rows } = await sql<FireRow>`
    select f.due_at as "dueAt", f.outcome, f.reason, exists (select 1 from carillon.run r where r.id = f.run_id) as "hasRun"
      from carillon.fire f order by f.due_at`.execute(db);
  return rows;
}

/** Moves the schedule's next due time back, as if no leader had planned for a while. */
async function fallBehind(seconds: number): Promise<void> {
  await sql`update carillon.schedule set next_due_at = next_due_at - make_interval(secs => ${seconds}::int)`.execute(
    db,
  );
}

function gaps(rows: readonly FireRow[]): number[] {
  return rows.slice(1).map((row, index) => row.dueAt.getTime() - (rows[index]?.dueAt.getTime() ?? 0));
}

describe('planning', () => {
  it('I1: writes one ledger row and one run for each due time of the next seconds', async () => {
    await addSchedule();
    const planner = plannerOf(member);
    await planner.runOnce();
    await planner.runOnce();
    const rows = await ledger();
    expect(rows.length).toBeGreaterThanOrEqual(10);
    expect(gaps(rows).every((gap) => gap === 1_000)).toBe(true);
    expect(rows.every((row) => row.outcome === 'planned' && row.hasRun)).toBe(true);
  });

  it('plans fifteen seconds at once, and not again while ten are left', async () => {
    await addSchedule();
    await plannerOf(member).runOnce();
    const planned = await ledger();
    expect(planned.length).toBeGreaterThanOrEqual(15);
    await plannerOf(member).runOnce();
    expect(await ledger()).toEqual(planned);
  });

  it('plans a tenant with a limit no further than ten seconds', async () => {
    await sql`update carillon.tenant set limits = '{"maxQueued": 100}'`.execute(db);
    await addSchedule();
    await plannerOf(member).runOnce();
    const planned = (await ledger()).length;
    expect(planned).toBeGreaterThanOrEqual(10);
    expect(planned).toBeLessThan(15);
  });

  it('I1: two planners at once plan each due time once', async () => {
    await addSchedule();
    await Promise.all(Array.from({ length: 8 }, () => plannerOf(member).runOnce()));
    const rows = await ledger();
    expect(gaps(rows).every((gap) => gap === 1_000)).toBe(true);
    const { rows: runs } = await sql<{
      count: number;
    }>`select count(*)::int as count from carillon.run`.execute(db);
    expect(runs[0]?.count).toBe(rows.length);
  });

  it('I1: a due time that has its row already gets no second run', async () => {
    const schedule = await addSchedule();
    const planner = plannerOf(member);
    await planner.runOnce();
    const before = await ledger();
    await sql`update carillon.schedule set next_due_at = ${before[0]?.dueAt ?? null} where id = ${schedule.id}`.execute(
      db,
    );
    await planner.runOnce();
    expect((await ledger()).slice(0, before.length)).toEqual(before);
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from carillon.run`.execute(
      db,
    );
    expect(rows[0]?.count).toBe((await ledger()).length);
  });

  it('I1: a next due time that was written to the microsecond is due at its millisecond, and planned on once', async () => {
    await addSchedule({ kind: 'every', seconds: 1, anchorAt: new Date(123) });
    for (const seconds of [3, 90]) {
      await sql`
        update carillon.schedule
           set next_due_at = date_trunc('second', now()) - make_interval(secs => ${seconds}::int) + interval '123999 microseconds'`.execute(
        db,
      );
      await plannerOf(member).runOnce();
      await plannerOf(member).runOnce();
    }
    await decideThePast(db, member);
    const rows = await ledger();
    expect(rows.length).toBeGreaterThan(90);
    expect(gaps(rows).every((gap) => gap === 1_000)).toBe(true);
    const { rows: odd } = await sql`
      select 1 from carillon.fire where due_at <> date_trunc('second', due_at) + interval '123 milliseconds'`.execute(
      db,
    );
    expect(odd).toEqual([]);
  });

  it('I3: writes nothing once its term is over', async () => {
    await addSchedule();
    await sql`update carillon.leadership set term = term + 1, holder = gen_random_uuid()`.execute(db);
    await plannerOf(member).runOnce();
    expect(await ledger()).toEqual([]);
    expect(member.leadership.current()).toBeNull();
  });

  it('plans what has only just passed, and records that it stands for what passed in an outage', async () => {
    await addSchedule();
    await fallBehind(90);
    await plannerOf(member).runOnce();
    expect((await ledger()).every((row) => row.outcome === 'planned' && row.hasRun)).toBe(true);
    await decideThePast(db, member);
    const rows = await ledger();
    expect(gaps(rows).every((gap) => gap === 1_000)).toBe(true);
    const coalesced = rows.filter((row) => row.outcome === 'coalesced');
    expect(coalesced.length).toBeGreaterThanOrEqual(78);
    expect(coalesced.length).toBeLessThanOrEqual(81);
    expect(coalesced.every((row) => row.reason === 'outage' && !row.hasRun)).toBe(true);
    expect(rows.slice(coalesced.length).every((row) => row.outcome === 'planned' && row.hasRun)).toBe(true);
  });

  it('plans nothing more for a schedule that will never be due again', async () => {
    const { rows } = await sql<{ at: Date }>`select now() + interval '2 seconds' as at`.execute(db);
    const [soon] = rows;
    if (soon === undefined) throw new Error('expected the time');
    await addSchedule({ kind: 'at', at: soon.at });
    await plannerOf(member).runOnce();
    expect((await ledger()).map((row) => row.dueAt)).toEqual([soon.at]);
    const { rows: states } = await sql`select state, next_due_at from carillon.schedule`.execute(db);
    expect(states).toEqual([{ state: 'active', next_due_at: null }]);
  });
});

describe('changing a schedule', () => {
  const ref = () => ({ tenant, name: 'tick', revision: null, by: 'test' });

  it('pausing takes back what nobody has claimed, and its due times become skipped once they pass', async () => {
    await addSchedule();
    const planner = plannerOf(member);
    await planner.runOnce();
    const planned = await ledger();
    await changeSchedule(db, ref(), { kind: 'pause' });
    expect(await ledger()).toEqual([]);
    await until('a due time has passed', async () => {
      await planner.runOnce();
      return (await ledger()).length > 0;
    });
    const [skipped] = await ledger();
    expect(skipped).toEqual({
      dueAt: planned[0]?.dueAt,
      outcome: 'skipped',
      reason: 'paused',
      hasRun: false,
    });
  });

  it('resuming goes on without a gap', async () => {
    await addSchedule();
    const planner = plannerOf(member);
    await planner.runOnce();
    await changeSchedule(db, ref(), { kind: 'pause' });
    await changeSchedule(db, ref(), { kind: 'resume' });
    await planner.runOnce();
    // What was due in between, if anything.
    await decideThePast(db, member);
    const rows = await ledger();
    const planned = rows.filter((row) => row.outcome === 'planned' && row.hasRun);
    expect(rows.length - planned.length).toBeLessThan(2);
    expect(gaps(rows).every((gap) => gap === 1_000)).toBe(true);
  });

  it('leaves a run alone that its owner has claimed', async () => {
    await addSchedule();
    await plannerOf(member).runOnce();
    const owner = await startOwner(member);
    await until('a run is claimed', async () => {
      await owner.claimAll();
      return owner.held.size > 0;
    });
    const claimed = owner.held.size;
    await changeSchedule(db, ref(), { kind: 'pause' });
    expect(await ledger()).toHaveLength(claimed);
    await owner.finish();
    expect((await ledger()).every(({ outcome }) => outcome === 'fired' || outcome === 'late')).toBe(true);
  });

  it('waits for a claim in flight before it takes anything back', async () => {
    await addSchedule();
    await plannerOf(member).runOnce();
    const owner = await startOwner(member, { claim: { aheadMs: 20_000 } });
    await Promise.all([owner.claimAll(), changeSchedule(db, ref(), { kind: 'pause' })]);
    const rows = await ledger();
    expect(rows.every((row) => row.hasRun)).toBe(true);
    expect(rows).toHaveLength(owner.held.size);
  });

  it('a new spec plans its own due times and none of the old', async () => {
    await addSchedule();
    const planner = plannerOf(member);
    await planner.runOnce();
    await changeSchedule(db, ref(), {
      kind: 'edit',
      spec: { kind: 'every', seconds: 5, anchorAt: new Date(0) },
    });
    await planner.runOnce();
    const rows = await ledger();
    expect(rows.length).toBeGreaterThanOrEqual(1);
    expect(rows.every((row) => row.dueAt.getTime() % 5_000 === 0)).toBe(true);
  });

  it('a refused change takes nothing back', async () => {
    await addSchedule();
    await plannerOf(member).runOnce();
    const before = await ledger();
    const refused = await changeSchedule(db, ref(), {
      kind: 'edit',
      spec: { kind: 'cron', expression: '0 0 30 2 *', timeZone: 'UTC' },
    });
    expect(refused.kind).toBe('invalid-spec');
    expect(await changeSchedule(db, { ...ref(), revision: 7 }, { kind: 'pause' })).toEqual({
      kind: 'stale',
      currentRevision: 1,
    });
    expect(await ledger()).toEqual(before);
  });

  it('deleting takes back what was planned and keeps what was decided', async () => {
    await addSchedule();
    await fallBehind(90);
    await plannerOf(member).runOnce();
    await decideThePast(db, member);
    expect(await deleteSchedule(db, ref())).toEqual({ kind: 'deleted' });
    const rows = await ledger();
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.every((row) => ['missed', 'coalesced'].includes(row.outcome))).toBe(true);
    const { rows: runs } = await sql`select 1 from carillon.run`.execute(db);
    expect(runs).toEqual([]);
  });
});
