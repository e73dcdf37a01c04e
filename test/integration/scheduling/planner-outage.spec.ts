// Does the present go on at once after all replicas were down for a day, and does each due time of that day still get its
// one row (I1)? An outage is played by setting next due times back, as if no leader had planned them.
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Database } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { GapLoop } from '#scheduling/planning/gap-loop.js';
import type { Unreadable } from '#scheduling/planning/set-aside.js';
import { changeSchedule, deleteSchedule } from '#scheduling/schedules/schedules.js';
import { startMember, useLoneMember, type TestMember } from '../../support/test-member.js';
import { plannerOf } from '../../support/test-planner.js';

const database = useLoneMember();
const { db, member, tenant } = database;

const gapsOf = ({ leadership }: TestMember) => new GapLoop(leadership, systemClock);

/** Schedules of each minute on the minute, which no leader has planned for so many minutes. */
async function leaveBehind({
  schedules,
  minutes,
  state = 'active',
}: {
  schedules: number;
  minutes: number;
  state?: string;
}): Promise<void> {
  await sql`
    insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, state, next_due_at)
    select gen_random_uuid(), ${tenant.id}, ${tenant.slot}, 's-' || n, 'noop',
           '{"kind": "cron", "expression": "* * * * *", "timeZone": "UTC"}', ${state},
           date_trunc('minute', now() - make_interval(mins => ${minutes}::int))
      from generate_series(1, ${schedules}::int) n`.execute(db);
}

async function single<Row>(query: { execute: (on: Database) => Promise<{ rows: Row[] }> }): Promise<Row> {
  const [row] = (await query.execute(db)).rows;
  if (row === undefined) throw new Error('expected a row, found none');
  return row;
}

const countGaps = async () =>
  (await single(sql<{ count: number }>`select count(*)::int as count from carillon.schedule_gap`)).count;

async function decideAll(gaps: GapLoop): Promise<number> {
  let passes = 0;
  for (; (await countGaps()) > 0; passes += 1) await gaps.runOnce();
  return passes;
}

/**
 * How many due times each schedule should have a row for, up to its next, and how many it has; and how many of each
 * outcome.
 */
const account = () =>
  single(sql<{
    due: number;
    rows: number;
    coalesced: number;
    skipped: number;
    planned: number;
    strays: number;
  }>`
    select (select sum(extract(epoch from s.next_due_at - a.from_at) / 60)::int
              from carillon.schedule s cross join lateral (select min(due_at) as from_at from carillon.fire where schedule_id = s.id) a) as due,
           count(*)::int as rows, count(*) filter (where outcome = 'coalesced' and reason = 'outage')::int as coalesced,
           count(*) filter (where outcome = 'skipped')::int as skipped,
           count(*) filter (where outcome = 'planned')::int as planned,
           count(*) filter (where date_trunc('minute', due_at) <> due_at)::int as strays
      from carillon.fire`);

describe('after an outage of a day', () => {
  it('what is due now is planned in the first pass, and the past is one row for each schedule', async () => {
    await leaveBehind({ schedules: 900, minutes: 1_440 });
    const { at } = await single(sql<{ at: Date }>`select now() as at`);
    await plannerOf(member).runOnce();
    const found = await single(sql<{ schedules: number; soonest: Date; runs: number }>`
      select count(distinct f.schedule_id)::int as schedules, min(f.due_at) as soonest, count(r.id)::int as runs
        from carillon.fire f left join carillon.run r on r.id = f.run_id`);
    expect(found.schedules).toBe(900);
    expect(found.runs).toBeGreaterThanOrEqual(900);
    expect(+found.soonest).toBeGreaterThanOrEqual(+at - 60_000);
    expect(await countGaps()).toBe(900);
  });

  it('what is due soon anyway waits for none of those that were left behind', async () => {
    await leaveBehind({ schedules: 5_000, minutes: 1_440 });
    await sql`
      insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, next_due_at)
      select gen_random_uuid(), ${tenant.id}, ${tenant.slot}, 'soon', 'noop',
             jsonb_build_object('kind', 'at', 'at', to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')), a.at
        from (select date_trunc('milliseconds', now()) + interval '5 seconds' as at) a`.execute(db);
    await plannerOf(member).runOnce();
    const soon = await single(sql<{ planned: boolean; left: number }>`
      select exists (select 1 from carillon.fire f join carillon.schedule s on s.id = f.schedule_id where s.name = 'soon') as planned,
             (select count(*)::int from carillon.schedule where next_due_at < now() - interval '1 hour') as left`);
    expect(soon).toEqual({ planned: true, left: 4_000 });
  });

  it('I1: each due time of the gap gets its one row, in bounded passes, whichever leader makes them', async () => {
    await leaveBehind({ schedules: 3, minutes: 1_440 });
    const planner = plannerOf(member);
    await planner.runOnce();
    await gapsOf(member).runOnce();
    const first = await account();
    expect(first.coalesced).toBeGreaterThan(0);
    expect(first.coalesced).toBeLessThanOrEqual(1_000);
    // The leader dies, and another one goes on while the present does, too.
    await member.leave();
    const successor = await startMember(database.url, { name: 'successor' });
    await successor.lead();
    await plannerOf(successor).runOnce();
    await decideAll(gapsOf(successor));
    const { due, rows, coalesced, planned, strays } = await account();
    expect(rows).toBe(due);
    expect(coalesced + planned).toBe(rows);
    expect(coalesced).toBeGreaterThanOrEqual(3 * 1_438);
    expect(strays).toBe(0);
  });

  it('I3: a leader whose term is over decides nothing', async () => {
    await leaveBehind({ schedules: 1, minutes: 1_440 });
    await plannerOf(member).runOnce();
    await sql`update carillon.leadership set term = term + 1, holder = gen_random_uuid()`.execute(db);
    await gapsOf(member).runOnce();
    expect((await account()).coalesced).toBe(0);
    expect(await countGaps()).toBe(1);
  });

  it('I1: two that decide the same gap at once decide each due time once', async () => {
    await leaveBehind({ schedules: 2, minutes: 3_000 });
    await plannerOf(member).runOnce();
    const [one, other] = [gapsOf(member), gapsOf(member)];
    while ((await countGaps()) > 0) await Promise.all([one.runOnce(), other.runOnce()]);
    const { due, rows } = await account();
    expect(rows).toBe(due);
  });

  it('a due time that has its row already keeps it', async () => {
    await leaveBehind({ schedules: 1, minutes: 60 });
    await sql`
      insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, term)
      select id, next_due_at + interval '3 minutes', tenant_id, 'fired', 1 from carillon.schedule`.execute(
      db,
    );
    await plannerOf(member).runOnce();
    await decideAll(gapsOf(member));
    const { fired } = await single(
      sql<{ fired: number }>`select count(*)::int as fired from carillon.fire where outcome = 'fired'`,
    );
    const { due, rows } = await account();
    expect([fired, rows]).toEqual([1, due]);
  });
});

describe('while its past is being decided', () => {
  const ref = () => ({ tenant, name: 's-1', revision: null, by: 'test' });

  it.each<[string, () => Promise<unknown>]>([
    ['paused', () => changeSchedule(db, ref(), { kind: 'pause' })],
    [
      'given another spec',
      () =>
        changeSchedule(db, ref(), {
          kind: 'edit',
          spec: { kind: 'every', seconds: 7, anchorAt: new Date(0) },
        }),
    ],
    ['deleted', () => deleteSchedule(db, ref())],
  ])('a schedule can be %s, and what it was stays as it was', async (_, change) => {
    await leaveBehind({ schedules: 1, minutes: 1_440 });
    await plannerOf(member).runOnce();
    const gaps = gapsOf(member);
    await gaps.runOnce();
    await change();
    await decideAll(gaps);
    const { coalesced, strays } = await account();
    expect(coalesced).toBeGreaterThanOrEqual(1_438);
    expect(coalesced).toBeLessThanOrEqual(1_440);
    expect(strays).toBe(0);
  });

  it('a paused one skips its past as well', async () => {
    await leaveBehind({ schedules: 1, minutes: 1_440, state: 'paused' });
    await plannerOf(member).runOnce();
    await decideAll(gapsOf(member));
    const { due, rows, skipped } = await account();
    expect([rows, skipped]).toEqual([due, due]);
  });

  it('a tenant that is removed takes its past along', async () => {
    await leaveBehind({ schedules: 2, minutes: 1_440 });
    await plannerOf(member).runOnce();
    await sql`delete from carillon.tenant where id = ${tenant.id}`.execute(db);
    expect(await countGaps()).toBe(0);
    await gapsOf(member).runOnce();
    await plannerOf(member).runOnce();
  });
});

describe('what the planner cannot read', () => {
  it.each([
    ['a spec of a later version', `spec = '{"kind": "moon", "phase": "full"}'`],
    [
      'an expression that no longer parses',
      `spec = '{"kind": "cron", "expression": "61 * * * *", "timeZone": "UTC"}'`,
    ],
    [
      'a time zone that is gone',
      `spec = '{"kind": "cron", "expression": "* * * * *", "timeZone": "Mars/Base"}'`,
    ],
    ['a next due time of no year', `next_due_at = '-infinity'`],
    ['a next due time before the year 1', `next_due_at = '0044-03-15 BC'`],
  ])(
    'such as %s keeps no other schedule waiting, is told of once, and is left as it is',
    async (_, oddity) => {
      await leaveBehind({ schedules: 3, minutes: 1 });
      // As rows from before the constraint have it.
      await sql`alter table carillon.schedule drop constraint next_due_at_is_of_the_years_1_to_9999`.execute(
        db,
      );
      await sql`update carillon.schedule set ${sql.raw(oddity)} where name = 's-2'`.execute(db);
      const before = await single(sql<object>`select * from carillon.schedule where name = 's-2'`);
      const planner = plannerOf(member);
      const told: Unreadable[] = [];
      planner.setAside.told.subscribe((unreadable) => told.push(unreadable));
      await planner.runOnce();
      await planner.runOnce();
      const { names } = await single(sql<{ names: string[] }>`
      select array_agg(distinct s.name order by s.name) as names from carillon.fire f join carillon.schedule s on s.id = f.schedule_id`);
      expect(names).toEqual(['s-1', 's-3']);
      expect(told).toHaveLength(1);
      expect(await single(sql<object>`select * from carillon.schedule where name = 's-2'`)).toEqual(before);
    },
  );

  it('in a gap is left for a version that can', async () => {
    await leaveBehind({ schedules: 2, minutes: 90 });
    await plannerOf(member).runOnce();
    await sql`
      update carillon.schedule_gap g set spec = '{"kind": "moon"}'
        from carillon.schedule s where s.id = g.schedule_id and s.name = 's-1'`.execute(db);
    const gaps = gapsOf(member);
    for (let passes = 0; passes < 5; passes += 1) await gaps.runOnce();
    expect(await countGaps()).toBe(1);
    expect((await account()).coalesced).toBeGreaterThan(80);
  });

  it('a job type that is gone stops no planning', async () => {
    await leaveBehind({ schedules: 2, minutes: 1 });
    await sql`update carillon.schedule set job_type = 'nobody.has-it' where name = 's-1'`.execute(db);
    await plannerOf(member).runOnce();
    const { count } = await single(
      sql<{ count: number }>`select count(distinct schedule_id)::int as count from carillon.fire`,
    );
    expect(count).toBe(2);
  });
});
