// Which runs has a transaction created that is not committed? For a test that calls its own code in a transaction, looks,
// and rolls back. Rows that others have committed, and those that they have not, are left out.
import { readOverlapKey } from '#kernel/keys/key-overlap.js';
import { queryRows, type SqlExecutor } from '#client/jobs/sql-executor.js';

export interface RunInTransaction {
  readonly id: string;
  readonly job: string;
  readonly payload: unknown;
  readonly queue: string;
  readonly priority: number;
  readonly tags: readonly string[];
  /** As it was given, without what `overlap` and `order` make of it. */
  readonly concurrencyKey: string | null;
  readonly runAt: Date;
  readonly deadline: Date | null;
  readonly uniqueKey: string | null;
}

// A row bears the number of the transaction, or of the savepoint, that wrote it, without its epoch. The numbers of
// others that are in progress are of rows that this transaction can't see.
const RUNS_IN = `
select r.id, r.job_type as job, r.payload, r.queue, r.priority, coalesce(r.tags, '{}') as tags, r.concurrency_key as "concurrencyKey",
       r.run_at as "runAt", r.deadline, u.key as "uniqueKey"
  from carillon.run r
  join carillon.tenant t on t.id = r.tenant_id and t.name = $1
  left join carillon.unique_key u on u.tenant_id = r.tenant_id and u.run_id = r.id
 where ($2::text is null or r.job_type = $2)
   and pg_xact_status((((pg_current_xact_id()::text::bigint >> 32) << 32) | r.xmin::text::bigint)::text::xid8) = 'in progress'
 order by r.id`;

/**
 * The runs that the transaction of `db` has created or replaced, in the order of their creation; of one job if it is named.
 * Needs the right to read `carillon.run`, `carillon.tenant` and `carillon.unique_key`, which the owner of a database has.
 */
export async function runsIn(
  db: SqlExecutor,
  { tenant, job }: { tenant: string; job?: { readonly name: string } },
): Promise<RunInTransaction[]> {
  const runs = await queryRows<RunInTransaction>(db, RUNS_IN, [tenant, job?.name ?? null]);
  return runs.map((run) => ({
    ...run,
    concurrencyKey: readOverlapKey(run.concurrencyKey)?.key ?? run.concurrencyKey,
  }));
}
