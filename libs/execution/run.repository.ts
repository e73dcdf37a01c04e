// Which statements take runs in and show them? A run is in `run` until it ends and in `run_history`
// afterwards, moved in one transaction, so it is always in exactly one of them (I5).
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { ReplicaNumber, RunId, ScheduleId, Slot, TenantId } from '#kernel/ids.js';

export interface NewRun {
  id: RunId;
  tenantId: TenantId;
  slot: Slot;
  jobType: string;
  queue: string;
  concurrencyKey: string | null;
  tags: readonly string[];
  payload: unknown;
  priority: number;
  /** Null means now, by the database's clock. */
  runAt: Date | null;
  deadline: Date | null;
}

export async function insertRun(db: Database, run: NewRun): Promise<void> {
  await sql`
    insert into carillon.run (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, priority, deadline, run_at)
    values (${run.id}, ${run.tenantId}, ${run.slot}, ${run.jobType}, ${run.queue}, ${run.concurrencyKey},
            ${run.tags.length > 0 ? [...run.tags] : null}::text[], ${JSON.stringify(run.payload)}::jsonb, ${run.priority}, ${run.deadline},
            coalesce(${run.runAt}::timestamptz, clock_timestamp()))`.execute(db);
}

export type RunState =
  | 'scheduled'
  | 'queued'
  | 'running'
  | 'retrying'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'expired'
  | 'dead-lettered';

export interface RunRow {
  id: RunId;
  jobType: string;
  state: RunState;
  queue: string;
  concurrencyKey: string | null;
  tags: string[] | null;
  deadline: Date | null;
  progress: unknown;
  cancelRequestedAt: Date | null;
  scheduleId: ScheduleId | null;
  dueAt: Date | null;
  payload: unknown;
  priority: number;
  runAt: Date;
  attempt: number;
  pastAttempts: object[] | null;
  createdAt: Date;
  replica: ReplicaNumber | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  output: unknown;
  error: unknown;
}

export interface RunPage {
  tenantId: TenantId;
  /** Only this one. */
  id: RunId | null;
  scheduleId: ScheduleId | null;
  state: RunState | null;
  /** Exclusive; ids are ordered by creation. */
  beforeId: RunId | null;
  limit: number;
}

/** Newest first, unfinished and finished alike. A claimed run counts as running once its instant has come. */
export async function listRuns(db: Database, page: RunPage): Promise<RunRow[]> {
  const { tenantId, id, scheduleId, beforeId, state, limit } = page;
  const wanted = sql`tenant_id = ${tenantId}
         and (${id}::uuid is null or id = ${id}::uuid)
         and (${scheduleId}::uuid is null or schedule_id = ${scheduleId}::uuid)
         and (${beforeId}::uuid is null or id < ${beforeId}::uuid)`;
  const ofState = sql`(${state}::text is null or state = ${state}::text)`;
  const { rows } = await sql<RunRow>`
    with held as materialized (
      select c.replica, u.id from carillon.claim c cross join lateral unnest(c.run_ids) as u (id)),
    unfinished as (
      select r.id, r.job_type, r.schedule_id, r.due_at, r.payload, r.priority, coalesce(l.run_at, r.run_at) as run_at, r.attempt, r.past_attempts, r.created_at,
             r.queue, r.concurrency_key, r.tags, r.deadline, r.progress, r.cancel_requested_at,
             case when l.state = 'taken' then 'running'
                  when h.id is not null and r.run_at <= clock_timestamp() then 'running'
                  when r.failures > 0 then 'retrying'
                  when coalesce(l.run_at, r.run_at) > clock_timestamp() then 'scheduled'
                  else 'queued' end as state,
             h.replica, l.taken_at as started_at, null::timestamptz as finished_at, null::jsonb as output, null::jsonb as error
        from (select * from carillon.run where slot = (select slot from carillon.tenant where id = ${tenantId}) and ${wanted}) r
        left join held h on h.id = r.id
        left join carillon.lease l on l.run_id = r.id),
    finished as not materialized (
      select id, job_type, schedule_id, due_at, payload, priority, run_at, attempt, past_attempts, created_at,
             queue, concurrency_key, tags, deadline, progress, null::timestamptz as cancel_requested_at,
             outcome as state, replica, started_at, finished_at, output, error
        from carillon.run_history where ${wanted})
    select id, job_type as "jobType", state, schedule_id as "scheduleId", due_at as "dueAt", payload, priority, run_at as "runAt", attempt,
           past_attempts as "pastAttempts", created_at as "createdAt",
           queue, concurrency_key as "concurrencyKey", tags, deadline, progress, cancel_requested_at as "cancelRequestedAt",
           replica, started_at as "startedAt", finished_at as "finishedAt",
           output, error
      from ((select * from unfinished where ${ofState} order by id desc limit ${limit})
             union all
            (select * from finished where ${ofState} order by id desc limit ${limit})) run
     order by id desc
     limit ${limit}`.execute(db);
  return rows;
}

/** Which of these runs are over. */
export async function finishedAmong(db: Database, ids: readonly RunId[]): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId }>`
    select asked.id
      from unnest(${[...ids]}::uuid[]) as asked (id)
     where not exists (select 1 from carillon.run r where r.id = asked.id)`.execute(db);
  return rows.map((row) => row.id);
}
