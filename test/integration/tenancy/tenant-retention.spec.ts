// Are a tenant's ended runs forgotten when it wants it, and no other tenant's?
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { forgetEndedRuns } from '#execution/run-actions/retention.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';

const { db } = useTestDatabase();

it('forgets what is older than the tenant wants it, in batches, and leaves the others alone', async () => {
  const tenants = { brief: await addTenant(db), long: await addTenant(db), silent: await addTenant(db) };
  await sql`update carillon.tenant set retention_days = 2 where id = ${tenants.brief.id}`.execute(db);
  await sql`update carillon.tenant set retention_days = 30 where id = ${tenants.long.id}`.execute(db);
  for (const tenant of Object.values(tenants)) await addRuns(db, tenant, 7);
  // Five of each ended three days ago, the others one day ago.
  await sql`
    with gone as (delete from carillon.run returning *),
    counted as (select *, row_number() over (partition by tenant_id order by id) as place from gone)
    insert into carillon.run_history (id, tenant_id, slot, job_type, payload, priority, run_at, attempt, created_at, outcome, finished_at)
    select id, tenant_id, slot, job_type, payload, priority, run_at, attempt, created_at, 'succeeded',
           clock_timestamp() - case when place <= 5 then interval '3 days' else interval '1 day' end
      from counted`.execute(db);
  const kept = async (tenant: { id: string }): Promise<number> => {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from carillon.run_history where tenant_id = ${tenant.id}`.execute(db);
    return rows[0]?.n ?? -1;
  };
  expect(await forgetEndedRuns(db, { installationDays: 14, batch: 2 })).toBe(5);
  expect(await Promise.all(Object.values(tenants).map(kept))).toEqual([2, 7, 7]);
  expect(await forgetEndedRuns(db, { installationDays: 14 })).toBe(0);
});
