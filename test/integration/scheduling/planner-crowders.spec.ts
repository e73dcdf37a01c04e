// Does one tenant's backlog make another tenant's due times late? A tenant may have thousands of schedules of each second,
// more than a leader can plan.
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { addTenant } from '../../support/rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { plannerOf } from '../../support/test-planner.js';

const { db, member, tenant: large } = useLoneMember();

type Owner = Pick<Tenant, 'id' | 'slot'>;

/** Schedules of each second whose first undecided due time was so long ago. */
async function addBehind({ id, slot }: Owner, { size, behindMs }: { size: number; behindMs: number }) {
  await sql`
    insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, payload, state, next_due_at)
    select gen_random_uuid(), ${id}, ${slot}, 'each-second-' || n, 'noop',
           jsonb_build_object('kind', 'every', 'seconds', 1, 'anchorAt', to_char(due.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
           'null', 'active', due.at
      from (select date_trunc('milliseconds', now() - make_interval(secs => ${behindMs / 1000}::float8)) as at) due
     cross join generate_series(1, ${size}::int) n`.execute(db);
}

async function firesOf({ id }: Owner) {
  const { rows } = await sql<{ count: number; aheadSeconds: number | null }>`
    select count(*)::int as count, date_part('epoch', max(due_at) - now())::float8 as "aheadSeconds"
      from carillon.fire where tenant_id = ${id}`.execute(db);
  return rows[0] ?? { count: 0, aheadSeconds: null };
}

it.each([
  ['of a few seconds', 8_000],
  ['of an outage', 300_000],
])(
  'I9: a crowd with a backlog %s leaves the planner to the others, and is planned as well',
  async (_, behindMs) => {
    const small = await addTenant(db);
    await addBehind(large, { size: 5_000, behindMs });
    await addBehind(small, { size: 1, behindMs: 5_000 });
    const planner = plannerOf(member);
    for (let pass = 0; pass < 3; pass += 1) expect(await planner.runOnce()).toBe(0);
    expect((await firesOf(small)).aheadSeconds).toBeGreaterThan(2);
    const { count } = await firesOf(large);
    expect(count).toBeGreaterThan(3_000);
    expect(count).toBeLessThan(20_000);
  },
);

it('I9: a tenant that crowds a little is not delayed by one that crowds much more', async () => {
  const small = await addTenant(db);
  await addBehind(large, { size: 5_000, behindMs: 9_000 });
  await addBehind(small, { size: 400, behindMs: 9_000 });
  const planner = plannerOf(member);
  // After one pass for each of them they are known, and share the rounds.
  for (let pass = 0; pass < 2 + 3; pass += 1) await planner.runOnce();
  expect((await firesOf(small)).count).toBeGreaterThan(4_000 + 2_000);
  expect((await firesOf(large)).count).toBeGreaterThan(4_000 + 2_000 + 1_000);
});
