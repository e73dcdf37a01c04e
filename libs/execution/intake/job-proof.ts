// Does a tenant and its job type, as a replica remembers them, still hold? Each change of either row replaces its
// version (xmin), and a tenant's own job type that hides a shared one is another row. So the insert of a run can prove
// what the replica remembers, and need not read it again first.
import { sql, type RawBuilder } from 'kysely';
import { jobTypeIdOf } from '#database/job-type-key.js';
import type { TenantId } from '#kernel/ids.js';

export interface AssumedJob {
  tenantId: TenantId;
  jobType: string;
  proof: string;
}

/** For a tenant `t` and its job type `j`, whose `version` is its xmin. */
export const PROOF = sql.raw(`concat_ws('/', t.xmin, j.id, j.version)`);

/** A condition: true as long as nothing has changed. */
export function stillHolds({ tenantId, jobType, proof }: AssumedJob): RawBuilder<boolean> {
  return sql<boolean>`${proof} = (
      select ${PROOF}
        from carillon.tenant t
       cross join lateral (
         select id, xmin as version
           from carillon.job_type
          where id = ${jobTypeIdOf(sql`t.id`, sql`${jobType}`)}) j
       where t.id = ${tenantId})`;
}
