// Do schedules heed how many runs their tenant may have that are not over (`maxQueued`)? What finds no place when it is
// due is skipped and says so; a limit that still has places costs nothing, and other tenants are planned as ever.
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Slot, TenantId } from '#kernel/ids.js';
import { PlannerLoop } from '#scheduling/planning/planner-loop.js';
import { DEFAULT_PLANNER_SETTINGS } from '#scheduling/planning/planner-settings.js';
import { createSchedule } from '#scheduling/schedules/schedules.js';
import { FakeClock } from '../../support/fake-clock.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';
import { plannerOf } from '../../support/test-planner.js';

interface TestTenant {
  id: TenantId;
  slot: Slot;
}

let planner: PlannerLoop;
const { db, member, tenant } = useLoneMember();
beforeEach(async () => {
  planner = plannerOf(member);
  await addSchedule(tenant, 'tick');
});

async function addSchedule(of: TestTenant, name: string): Promise<void> {
  const spec = { kind: 'every' as const, seconds: 1, anchorAt: new Date(0) };
  await createSchedule(db, of, { name, jobType: 'noop', payload: {}, by: 'test', spec });
}

async function limit(limits: object): Promise<void> {
  await sql`update carillon.tenant set limits = ${JSON.stringify(limits)}::jsonb where id = ${tenant.id}`.execute(
    db,
  );
}

interface Row {
  dueAt: Date;
  outcome: string;
  reason: string | null;
  isPast: boolean;
}

async function ledger(of: TestTenant = tenant): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select due_at as "dueAt", outcome, reason, due_at <= now() as "isPast"
      from carillon.fire where tenant_id = ${of.id} order by due_at`.execute(db);
  return rows;
}

async function countRuns(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from carillon.run where tenant_id = ${tenant.id}`.execute(db);
  return rows[0]?.count ?? 0;
}

const isLimited = ({ outcome, reason }: Row): boolean => outcome === 'skipped' && reason === 'limit';

async function untilSkipped(count: number): Promise<Row[]> {
  return until('due times are skipped', async () => {
    await planner.runOnce();
    const rows = await ledger();
    return rows.filter(isLimited).length >= count ? rows : undefined;
  });
}

describe('a tenant with a limit', () => {
  it('that is full gets no runs of its schedules, and each due time is skipped as it passes', async () => {
    await limit({ maxQueued: 3 });
    await addRuns(db, tenant, 3);
    const rows = await untilSkipped(2);
    expect(rows.every(isLimited)).toBe(true);
    expect(rows.every(({ isPast }) => isPast)).toBe(true);
    expect(rows.slice(1).every(({ dueAt }, n) => +dueAt - +(rows[n]?.dueAt ?? 0) === 1_000)).toBe(true);
    expect(await countRuns()).toBe(3);
  });

  it('is planned ahead as far as there are places, and never beyond', async () => {
    await limit({ maxQueued: 5 });
    await addRuns(db, tenant, 2);
    await planner.runOnce();
    expect((await ledger()).map(({ outcome }) => outcome)).toEqual(['planned', 'planned', 'planned']);
    await untilSkipped(1);
    expect(await countRuns()).toBe(5);
  });

  it('shares the places among its schedules, the soonest due first', async () => {
    await addSchedule(tenant, 'tock');
    await limit({ maxQueued: 4 });
    await planner.runOnce();
    const rows = await ledger();
    expect(rows).toHaveLength(4);
    expect(+(rows[3]?.dueAt ?? 0) - +(rows[0]?.dueAt ?? 0)).toBe(1_000);
  });

  it('goes on once it has places again, without a due time lost or doubled (I1)', async () => {
    await limit({ maxQueued: 2 });
    await addRuns(db, tenant, 2);
    await untilSkipped(1);
    await sql`delete from carillon.run where tenant_id = ${tenant.id}`.execute(db);
    const rows = await until('a due time is planned', async () => {
      await planner.runOnce();
      const found = await ledger();
      return found.some(({ outcome }) => outcome === 'planned') ? found : undefined;
    });
    expect(rows.slice(1).every(({ dueAt }, n) => +dueAt - +(rows[n]?.dueAt ?? 0) === 1_000)).toBe(true);
  });

  it('keeps no other tenant waiting', async () => {
    const other = await addTenant(db);
    await addSchedule(other, 'tick');
    await limit({ maxQueued: 1 });
    await addRuns(db, tenant, 1);
    await planner.runOnce();
    expect((await ledger(other)).length).toBeGreaterThanOrEqual(9);
  });

  it.each([{ maxQueued: 'many' }, { maxQueued: null }, { maxQueued: 1e300 }, { maxQueued: [] }])(
    'of %j, which no API has set, is planned all the same',
    async (odd) => {
      await limit(odd);
      await planner.runOnce();
      expect((await ledger()).length).toBeGreaterThanOrEqual(9);
    },
  );
});

describe('what was counted', () => {
  // Time stands still, so only what happens between two passes can tell them to count again.
  const settings = DEFAULT_PLANNER_SETTINGS;
  beforeEach(() => {
    planner = new PlannerLoop(member.leadership, member.hints, { settings, clock: new FakeClock() });
  });

  it('in an earlier term says nothing of what other leaders have planned since', async () => {
    await limit({ maxQueued: 40 });
    await planner.runOnce();
    member.leadership.standDown('another one leads');
    await addRuns(db, tenant, 40 - (await countRuns()));
    await member.lead();
    await addSchedule(tenant, 'tock');
    await planner.runOnce();
    expect(await countRuns()).toBe(40);
  });

  it('before a write that failed does not take its places twice', async () => {
    await limit({ maxQueued: 3 });
    await sql`
      create function public.no_room() returns trigger language plpgsql as $$
        begin raise exception 'no room' using errcode = '53100'; end $$`.execute(db);
    await sql`create trigger no_room before insert on carillon.fire execute function public.no_room()`.execute(
      db,
    );
    await expect(planner.runOnce()).rejects.toThrow('no room');
    await sql`drop trigger no_room on carillon.fire`.execute(db);
    await planner.runOnce();
    expect((await ledger()).map(({ outcome }) => outcome)).toEqual(['planned', 'planned', 'planned']);
  });
});
