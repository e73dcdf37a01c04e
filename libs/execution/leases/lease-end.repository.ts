// Brings back the run of a lease that has ended, and remembers the answer to the request that ended it. The same
// transaction has deleted the lease's row first, so no other transaction writes the run meanwhile. Each statement also
// compares the attempt, in case the run was cancelled or replaced while it was leased.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { LeaseId, ReplicaNumber, RunId, TenantId, WorkerId } from '#kernel/ids.js';
import type { Lease } from './lease.repository.js';
import { keptColumns, newestAttempts } from '#execution/runs/run-columns.js';
import type { FinishedRun } from '#execution/settling/settlement.repository.js';

export interface ReturnedRun {
  failures: number;
  cancelRequested: boolean;
  /** They are free with it: its attempt is over. */
  hadLocks: boolean;
}

/** Makes the run what it was before it was parked. Undefined when it is gone or in another attempt. */
export async function returnRun(tx: Tx, { runId, attempt, runAt }: Lease): Promise<ReturnedRun | undefined> {
  const { rows } = await sql<ReturnedRun>`
    update carillon.run set run_at = ${runAt}
     where id = ${runId} and attempt = ${attempt} and run_at = 'infinity'
    returning failures, cancel_requested_at is not null as "cancelRequested",
              exists (select from carillon.run before where before.id = run.id and before.holds is not null) as "hadLocks"`.execute(
    tx,
  );
  return rows[0];
}

/** Puts the run back with a lost attempt, because its worker or endpoint went silent. */
export async function loseRun(
  tx: Tx,
  { runId, attempt, replica, worker, startedAt }: Lease,
): Promise<{ losses: number; crashes: number } | undefined> {
  const { rows } = await sql<{ losses: number; crashes: number }>`
    update carillon.run
       set attempt = attempt + 1,
           losses = losses + 1,
           crashes = crashes + 1,
           started_by = null,
           past_attempts = ${newestAttempts('run')}
             || jsonb_build_object('attempt', attempt, 'outcome', 'lost', 'replica', ${replica}::int, 'worker', ${worker}::text,
                                   'startedAt', ${startedAt}::timestamptz, 'finishedAt', clock_timestamp())
     where id = ${runId} and attempt = ${attempt}
    returning losses, crashes`.execute(tx);
  return rows[0];
}

/**
 * Moves a run whose lease has ended into the history, with the worker that did it; null when an endpoint did it, or no
 * worker had taken it.
 */
export async function finishRun(
  tx: Tx,
  end: { replica: ReplicaNumber; worker: WorkerId | null; attempt: number; run: FinishedRun },
): Promise<void> {
  const { replica, worker, attempt, run } = end;
  await sql`
    with gone as (delete from carillon.run where id = ${run.id} and attempt = ${attempt} returning *)
    insert into carillon.run_history (${keptColumns()}, attempt, outcome, replica, worker, started_at, finished_at, output, error)
    select ${keptColumns()}, attempt, ${run.outcome}, ${replica}, ${worker}, ${run.startedAt}, ${run.finishedAt},
           ${run.outputJson}::jsonb, ${run.errorJson}::jsonb
      from gone`.execute(tx);
}

/** Stores the run's progress and details; a part that is null keeps its former value. */
export async function noteProgress(
  db: Database,
  { runId, attempt, progress, detailsJson }: RunProgress,
): Promise<void> {
  await sql`
    update carillon.run
       set progress = coalesce(${progress === null ? null : JSON.stringify(progress)}::jsonb, progress),
           details = coalesce(${detailsJson}::jsonb, details)
     where id = ${runId} and attempt = ${attempt}`.execute(db);
}

export interface RunProgress {
  runId: RunId;
  attempt: number;
  /** Null leaves it as it is, and so with the details. */
  progress: object | null;
  detailsJson: string | null;
}

export interface EndedLease {
  verb: string;
  answer: LeaseAnswer;
  /** Null for an answer that an older version remembered. */
  attempt: number | null;
}

export interface LeaseAnswer {
  runId: RunId;
  state: string;
}

export async function rememberEnd(tx: Tx, id: LeaseId, { verb, answer, attempt }: EndedLease): Promise<void> {
  await tx
    .insertInto('ended_lease')
    .values({ id, verb, answer: JSON.stringify(answer), attempt })
    .execute();
}

/**
 * Null when the tenant has written no output schema for the lease's job type; undefined when there is no such lease.
 */
export async function findOutputSchema(
  db: Database,
  { tenantId, id }: { tenantId: TenantId; id: LeaseId },
): Promise<{ name: string; outputSchema: object | null } | undefined> {
  const { rows } = await sql<{ name: string; outputSchema: object | null }>`
    select l.job_type as name, j.output_schema as "outputSchema"
      from carillon.lease l
      left join carillon.job_type j on j.tenant_id = l.tenant_id and j.name = l.job_type
     where l.id = ${id} and l.tenant_id = ${tenantId}`.execute(db);
  return rows[0];
}

/** Finds an end of the tenant's: a token sent on the path of another tenant finds nothing. */
export async function findEnd(
  db: Database,
  { tenantId, id }: { tenantId: TenantId; id: LeaseId },
): Promise<EndedLease | undefined> {
  const { rows } = await sql<EndedLease>`
    select e.verb, e.answer, e.attempt
      from carillon.ended_lease e
     where e.id = ${id}
       and (exists (select from carillon.run r where r.id = (e.answer ->> 'runId')::uuid and r.tenant_id = ${tenantId})
            or exists (select from carillon.run_history h
                        where h.id = (e.answer ->> 'runId')::uuid and h.tenant_id = ${tenantId}))`.execute(
    db,
  );
  return rows[0];
}

/** Forgets some of the older ends; resolves with how many. */
export async function forgetEnds(
  db: Database,
  { olderThanMs, limit }: { olderThanMs: number; limit: number },
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from carillon.ended_lease
     where id in (select id from carillon.ended_lease
                   where ended_at < clock_timestamp() - ${olderThanMs} * interval '1 ms' order by ended_at limit ${limit})`.execute(
    db,
  );
  return Number(numAffectedRows ?? 0);
}
