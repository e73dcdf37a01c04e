// What becomes of what a suspended tenant's schedules were due? It is skipped and says so, nothing of it runs, and resuming
// fires nothing of what fell into the suspension; what is due since runs again.
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#database/runtime/system-clock.js';
import { GapLoop } from '#scheduling/planning/gap-loop.js';
import { PlannerLoop } from '#scheduling/planning/planner-loop.js';
import { createSchedule } from '#scheduling/schedules/schedules.js';
import { endSuspension } from '#scheduling/suspending/suspended-runs.js';
import { SuspensionLoop } from '#scheduling/suspending/suspension-loop.js';
import { updateTenant } from '#tenancy/tenant.repository.js';
import { addRuns } from '../../support/rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';
import { decideThePast, plannerOf } from '../../support/test-planner.js';

let planner: PlannerLoop;
let suspension: SuspensionLoop;
const { db, member, tenant } = useLoneMember();
beforeEach(async () => {
  planner = plannerOf(member);
  suspension = new SuspensionLoop(member.leadership, { clock: systemClock, watchMs: 150_000 });
  const spec = { kind: 'every' as const, seconds: 1, anchorAt: new Date(0) };
  await createSchedule(db, tenant, { name: 'tick', jobType: 'noop', payload: {}, by: 'test', spec });
});

const suspend = () => updateTenant(db, { id: tenant.id, revision: null }, { state: 'suspended' });
const resume = () =>
  endSuspension(db, tenant, (tx) => updateTenant(tx, { id: tenant.id, revision: null }, { state: 'active' }));

interface Row {
  outcome: string;
  reason: string | null;
  hasRun: boolean;
  isPast: boolean;
  /** In the span from the suspension on, and before its end. */
  isSuspended: boolean;
}

async function ledger(): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select f.outcome, f.reason, exists (select 1 from carillon.run r where r.schedule_id = f.schedule_id and r.due_at = f.due_at) as "hasRun",
           f.due_at <= now() as "isPast", f.due_at >= t.suspended_at and (t.resumed_at is null or f.due_at < t.resumed_at) as "isSuspended"
      from carillon.fire f join carillon.tenant t on t.id = f.tenant_id order by f.due_at`.execute(db);
  return rows;
}

async function untilSkipped(count: number): Promise<void> {
  await until('due times have passed', async () => {
    await planner.runOnce();
    await suspension.runOnce();
    return (await ledger()).filter(({ outcome }) => outcome === 'skipped').length >= count;
  });
}

const skipped = { outcome: 'skipped', reason: 'suspended', hasRun: false };

describe('while a tenant is suspended', () => {
  it('what was planned ahead is skipped as it passes, and stays planned until then', async () => {
    await planner.runOnce();
    const planned = (await ledger()).length;
    await suspend();
    await untilSkipped(2);
    const rows = await ledger();
    expect(rows).toHaveLength(planned);
    const past = rows.filter(({ isSuspended, isPast }) => isSuspended && isPast);
    for (const row of past.slice(0, -1)) expect(row).toMatchObject(skipped); // the last may have passed since
    expect(rows.filter(({ isPast }) => !isPast).every(({ hasRun }) => hasRun)).toBe(true);
  });

  it('nothing more is planned, and what passes is skipped', async () => {
    await suspend();
    await untilSkipped(2);
    for (const row of await ledger()) expect(row).toMatchObject(skipped);
  });

  it('what was asked for by itself waits', async () => {
    const ids = await addRuns(db, tenant, 3);
    await planner.runOnce();
    await suspend();
    await untilSkipped(1);
    const { rows } = await sql<{ id: string }>`
      select id from carillon.run where schedule_id is null order by id`.execute(db);
    expect(rows.map(({ id }) => id)).toEqual(ids);
  });

  it('what its owner holds is left alone until it is given back', async () => {
    await planner.runOnce();
    const owner = await startOwner(member, { claim: { aheadMs: 20_000 } });
    await owner.claimAll();
    const held = owner.held.size;
    await suspend();
    await until('something held is due', async () => (await ledger()).some(({ isPast }) => isPast));
    await suspension.runOnce();
    expect((await ledger()).filter(({ hasRun }) => hasRun)).toHaveLength(held);
  });

  it('what is far behind is skipped from its suspension on, and missed before', async () => {
    await sql`update carillon.schedule set next_due_at = next_due_at - interval '1 hour'`.execute(db);
    await suspend();
    // A due time lies within the millisecond before it.
    await sql`update carillon.tenant set suspended_at = date_trunc('second', now()) + interval '400 microseconds' - interval '30 minutes'`.execute(
      db,
    );
    await planner.runOnce();
    const gaps = new GapLoop(member.leadership, systemClock);
    await until('the gap is decided', async () => {
      await gaps.runOnce();
      const { rows } = await sql`select 1 from carillon.schedule_gap`.execute(db);
      return rows.length === 0;
    });
    const rows = await ledger();
    expect(rows.length).toBeGreaterThanOrEqual(3_600);
    for (const { outcome, isSuspended } of rows) expect(outcome).toBe(isSuspended ? 'skipped' : 'missed');
  });
});

describe('resuming', () => {
  it('fires nothing of what fell into the suspension, and what is due since', async () => {
    await planner.runOnce();
    await suspend();
    // The leader saw none of it: neither what was planned nor what came to be due later.
    await until(
      'due times have passed',
      async () => (await ledger()).filter(({ isPast }) => isPast).length > 2,
    );
    await resume();
    await planner.runOnce();
    const rows = await ledger();
    const fell = rows.filter(({ isSuspended }) => isSuspended);
    expect(fell.length).toBeGreaterThan(1);
    for (const row of fell) expect(row).toMatchObject(skipped);
    const since = rows.filter(({ isSuspended, outcome }) => !isSuspended && outcome === 'planned');
    expect(since.length).toBeGreaterThan(5);
    expect(since.every(({ hasRun }) => hasRun)).toBe(true);
  });

  it('after an outage that fell into the suspension still skips what was due in it', async () => {
    await suspend();
    await sql`update carillon.tenant set suspended_at = now() - interval '40 seconds'`.execute(db);
    await sql`update carillon.schedule set next_due_at = next_due_at - interval '30 seconds'`.execute(db);
    await resume();
    await planner.runOnce();
    await decideThePast(db, member);
    const fell = (await ledger()).filter(({ isSuspended }) => isSuspended);
    expect(fell.length).toBeGreaterThanOrEqual(29);
    for (const row of fell) expect(row).toMatchObject(skipped);
  });

  it('twice changes nothing more', async () => {
    await suspend();
    await resume();
    const { rows: first } = await sql<object>`select suspended_at, resumed_at from carillon.tenant`.execute(
      db,
    );
    await resume();
    const { rows: again } = await sql<object>`select suspended_at, resumed_at from carillon.tenant`.execute(
      db,
    );
    expect(again).toEqual(first);
  });
});
