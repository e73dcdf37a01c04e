// Brings ended runs back. A run moves from the history into `run` in one transaction, with the next attempt number, no
// failures held against it, and all of its attempts.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import { isDueTimeOf } from '#database/due-time-key.js';
import type { RunOutcome } from '#database/tables/schema.js';
import type { ClaimId, RunId, TenantId } from '#kernel/ids.js';
import { newestAttempts } from '#execution/runs/run-columns.js';
import { OPEN_STATE, OPEN_STATES, type OpenState } from '#execution/runs/run-row.js';

export interface EndedRun {
  id: RunId;
  /** The unique key that it held, and for how long; null: until it had ended. */
  key: string | null;
  windowMs: number | null;
  /** Whether the ledger may have a row for it. */
  hasDueTime: boolean;
}

/**
 * Locks the tenant's runs of these that ended in one of these outcomes. Of two requests that retry the same run the
 * second waits here and then finds it gone, so it never takes a run out of the claim that now holds it.
 */
export async function lockEnded(
  tx: Tx,
  { tenantId, ids, outcomes }: { tenantId: TenantId; ids: readonly RunId[]; outcomes: readonly RunOutcome[] },
): Promise<EndedRun[]> {
  // A month of a window is as long as the month that begins now.
  const { rows } = await sql<EndedRun>`
    select id, unique_key as key,
           extract(epoch from statement_timestamp() + unique_window - statement_timestamp())::float8 * 1000 as "windowMs",
           schedule_id is not null and due_at is not null as "hasDueTime"
      from carillon.run_history
     where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[]) and outcome = any(${[...outcomes]}::text[])
     order by id
       for update`.execute(tx);
  return rows;
}

/**
 * Locks the claims that still name these runs. A claim keeps the names of its ended runs. A run that came back would be
 * taken for a run of that claim, and for lost when its replica dies.
 */
export async function lockClaimsNaming(tx: Tx, ids: readonly RunId[]): Promise<ClaimId[]> {
  const { rows } = await sql<{ id: ClaimId }>`
    select id from carillon.claim where run_ids && ${[...ids]}::uuid[] order by id for update`.execute(tx);
  return rows.map((row) => row.id);
}

/**
 * Opens the due times again that were decided when these runs, of the tenant, were over before they started. A backfill
 * that waits for such a row finds it planned, and makes no second run (I1). Resolves with the runs whose due time
 * belongs to another run by now. Locked before they are compared: the owner of a row may have changed during the wait.
 */
export async function openFires(
  tx: Tx,
  { tenantId, ids }: { tenantId: TenantId; ids: readonly RunId[] },
): Promise<{ id: RunId; holder: RunId }[]> {
  const { rows } = await sql<{ id: RunId; holder: RunId }>`
    with asked as materialized (
      select id, schedule_id, due_at from carillon.run_history
       where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[]) and schedule_id is not null and due_at is not null
       order by schedule_id, due_at),
    locked as materialized (
      select a.*, f.run_id as holder
        from asked a cross join lateral (
          select run_id from carillon.fire f where ${isDueTimeOf('a')} limit 1 for no key update) f),
    opened as (
      update carillon.fire f
         set outcome = 'planned', reason = 'retry', started_at = null, planned_at = clock_timestamp()
        from locked l
       where ${isDueTimeOf('l')} and l.holder = l.id and f.outcome in ('missed', 'coalesced', 'skipped'))
    select id, holder from locked where holder <> id`.execute(tx);
  return rows;
}

/**
 * Resolves with the runs that were found in one of these outcomes. They are due at once, but for those of a due time that
 * is still ahead (I6). A deadline that has passed is dropped.
 */
export async function queueEndedRuns(
  tx: Tx,
  { tenantId, ids, outcomes }: { tenantId: TenantId; ids: readonly RunId[]; outcomes: readonly RunOutcome[] },
): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId }>`
    with gone as (
      delete from carillon.run_history
       where tenant_id = ${tenantId} and id = any(${[...ids]}::uuid[]) and outcome = any(${[...outcomes]}::text[])
      returning *)
    insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at, payload, priority, run_at, attempt, past_attempts,
                              created_at, queue, concurrency_key, deadline, tags, locks, unique_key, unique_window)
    select id, tenant_id, slot, job_type, schedule_id, due_at, payload, priority,
           greatest(case when due_at > clock_timestamp() then run_at end, clock_timestamp()), attempt + 1,
           -- The last attempt of a poison run is among the past ones already.
           case when (past_attempts -> -1 ->> 'attempt')::int = attempt then past_attempts
                else ${newestAttempts('gone')} || jsonb_strip_nulls(jsonb_build_object(
                       'attempt', attempt, 'outcome', case when outcome = 'dead-lettered' then 'failed' else outcome end,
                       'replica', replica, 'worker', worker, 'startedAt', started_at, 'finishedAt', finished_at, 'error', error)) end,
           created_at, queue, concurrency_key, case when deadline > clock_timestamp() then deadline end, tags, locks, unique_key, unique_window
      from gone
    returning id`.execute(tx);
  return rows.map((row) => row.id);
}

/** The conditions that choose runs; null is any value. */
export interface RunFilter {
  tenantId: TenantId;
  jobType: string | null;
  queue: string | null;
  tag: string | null;
  scheduleId: string | null;
  createdAfter: Date | null;
  createdBefore: Date | null;
  /** Runs that came or ended later are left alone, so that a long request comes to an end. */
  asOf: Date;
}

/** How far a walk over ended runs has come. */
export interface EndedPlace {
  outcome: RunOutcome;
  id: RunId;
}

/**
 * The next ended runs after a place, without those that succeeded; with a limit beyond all of them, their number. Walks
 * the index of failed runs in its order, so that runs which stay over are read once and hide no others.
 */
export async function pickEnded(
  db: Database,
  filter: RunFilter & { outcomes: readonly RunOutcome[]; after: EndedPlace | null; limit: number },
): Promise<EndedPlace[]> {
  const { after } = filter;
  const { rows } = await sql<EndedPlace>`
    select outcome, id from carillon.run_history
     where ${wanted(filter)} and outcome = any(${[...filter.outcomes]}::text[]) and outcome <> 'succeeded'
       and finished_at <= ${filter.asOf}
       and ${after === null ? sql`true` : sql`(outcome, id) > (${after.outcome}, ${after.id}::uuid)`}
     order by outcome, id
     limit ${filter.limit}`.execute(db);
  return rows;
}

/** Some runs that are not over and that no request wants cancelled; debounced ones wait beside their slot. */
export async function pickOpen(
  db: Database,
  filter: RunFilter & { states: readonly OpenState[]; limit: number },
): Promise<RunId[]> {
  const open = sql`carillon.run
     where slot = any(array(select unnest(array[t.slot, (-1 - t.slot)::smallint]) from carillon.tenant t where t.id = ${filter.tenantId}))
       and ${wanted(filter)} and created_at <= ${filter.asOf} and cancel_requested_at is null`;
  const { rows } =
    filter.states.length === OPEN_STATES.length
      ? await sql<{ id: RunId }>`select id from ${open} limit ${filter.limit}`.execute(db)
      : await sql<{ id: RunId }>`
    with begun as materialized (
      select u.id, c.started ->> u.id::text as started_at
        from carillon.claim c cross join lateral unnest(c.run_ids) as u (id) where c.started ? u.id::text)
    select r.id
      from (select * from ${open}) r
      left join begun h on h.id = r.id
      left join carillon.lease l on l.run_id = r.id
     where ${OPEN_STATE} = any(${[...filter.states]}::text[])
     limit ${filter.limit}`.execute(db);
  return rows.map((row) => row.id);
}

function wanted({ tenantId, jobType, queue, tag, scheduleId, createdAfter, createdBefore }: RunFilter) {
  return sql`tenant_id = ${tenantId}
       and (${jobType}::text is null or job_type = ${jobType}::text)
       and (${queue}::text is null or queue = ${queue}::text)
       and (${tag}::text is null or ${tag}::text = any(tags))
       and (${scheduleId}::uuid is null or schedule_id = ${scheduleId}::uuid)
       and (${createdAfter}::timestamptz is null or created_at >= ${createdAfter}::timestamptz)
       and (${createdBefore}::timestamptz is null or created_at < ${createdBefore}::timestamptz)`;
}
