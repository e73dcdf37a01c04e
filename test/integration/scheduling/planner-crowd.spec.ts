// Are thousands of schedules that are due at one instant planned as single ones are, and in time?
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { useLoneMember } from '../../support/test-member.js';
import { plannerOf } from '../../support/test-planner.js';

const { db, member, tenant } = useLoneMember();

const planner = (settings: Parameters<typeof plannerOf>[1] = {}) => plannerOf(member, settings);

/** Adds so many schedules at once that are due at one instant, and once only. */
async function addCrowd(options: { size: number; dueInMs: number; state?: string }): Promise<void> {
  const { size, dueInMs, state = 'active' } = options;
  await sql`
    insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, payload, state, next_due_at)
    select gen_random_uuid(), ${tenant.id}, ${tenant.slot}, ${state}::text || '-' || n, 'noop',
           jsonb_build_object('kind', 'at', 'at', to_char(due.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
           jsonb_build_object('number', n), ${state}::text, due.at
      from (select date_trunc('milliseconds', now() + make_interval(secs => ${dueInMs / 1000}::float8)) as at) due
     cross join generate_series(1, ${size}::int) n`.execute(db);
}

async function countFires(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from carillon.fire where outcome = 'planned'`.execute(db);
  return rows[0]?.count ?? 0;
}

describe('planning a crowd', () => {
  it('I1: gives each of thousands that are due at once one row and one run with its own payload', async () => {
    await addCrowd({ size: 9_000, dueInMs: 5_000 });
    const loop = planner();
    while ((await loop.runOnce()) === 0);
    const { rows } = await sql<object>`
      select count(*)::int as fires, count(distinct f.schedule_id)::int as schedules, count(r.id)::int as runs,
             bool_and(r.payload = s.payload and r.run_at = f.due_at and r.tenant_id = s.tenant_id and r.slot = s.slot
                      and r.job_type = s.job_type and s.next_due_at is null) as "areRight"
        from carillon.fire f
        join carillon.schedule s on s.id = f.schedule_id
        left join carillon.run r on r.id = f.run_id and r.schedule_id = s.id`.execute(db);
    expect(rows).toEqual([{ fires: 9_000, schedules: 9_000, runs: 9_000, areRight: true }]);
  });

  it('begins earlier than with a few, by the time that it takes', async () => {
    const loop = planner({ lookAheadMs: 18_000 });
    await addCrowd({ size: 10_000, dueInMs: 20_000 });
    while ((await loop.runOnce()) === 0);
    expect(await countFires()).toBe(10_000);
  });

  it('leaves a few that are due later for later', async () => {
    await addCrowd({ size: 100, dueInMs: 90_000 });
    await planner({ lookAheadMs: 18_000 }).runOnce();
    expect(await countFires()).toBe(0);
  });

  it('is not kept from the others by paused schedules that will be due before them', async () => {
    await addCrowd({ size: 4_500, dueInMs: 7_000, state: 'paused' });
    await addCrowd({ size: 1, dueInMs: 8_000 });
    await planner().runOnce();
    expect(await countFires()).toBe(1);
  });
});
