// Finds the job type of a tenant's runs by its name: the tenant's own, or else the shared one. Two looks at the unique
// index, because no index answers an "or" of a tenant and none: asked for that way, the job types of all tenants are read
// on the way to the shared ones.
import { sql, type RawBuilder } from 'kysely';

/** The id of that job type; null if there is none. */
export function jobTypeIdOf(tenantId: RawBuilder<unknown>, name: RawBuilder<unknown>): RawBuilder<unknown> {
  const look = (tenant: RawBuilder<unknown>): RawBuilder<unknown> =>
    sql`(select id from carillon.job_type where tenant_id ${tenant} and name = ${name})`;
  return sql`coalesce(${look(sql`= ${tenantId}`)}, ${look(sql`is null`)})`;
}
