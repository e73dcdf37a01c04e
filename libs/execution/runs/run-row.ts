// What is shown of a run, wherever it is? The same columns of one that waits or runs and of one that is over.
import { sql } from 'kysely';
import type { ReplicaNumber, RunId, ScheduleId, WorkerId } from '#kernel/ids.js';

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
  /** The worker outside that has taken it, or whose attempt was the last. */
  worker: WorkerId | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  output: unknown;
  error: unknown;
}

/** Of a run `r` that is held as `h` says, or outside under the lease `l`. */
export const UNFINISHED = sql.raw(`
  r.id, r.job_type, r.schedule_id, r.due_at, r.payload, r.priority, coalesce(l.run_at, r.run_at) as run_at, r.attempt, r.past_attempts,
  r.created_at, r.queue, r.concurrency_key, r.tags, r.deadline, r.progress, r.cancel_requested_at,
  case when h.started_at is not null or l.state = 'taken' then 'running'
       when r.failures > 0 then 'retrying'
       when coalesce(l.run_at, r.run_at) > clock_timestamp() then 'scheduled'
       else 'queued' end as state,
  h.replica, coalesce(h.started_at, l.taken_at) as started_at, l.worker, null::timestamptz as finished_at, null::jsonb as output, null::jsonb as error`);

/** The same of a run that is over. */
export const FINISHED = sql.raw(`
  id, job_type, schedule_id, due_at, payload, priority, run_at, attempt, past_attempts,
  created_at, queue, concurrency_key, tags, deadline, progress, null::timestamptz as cancel_requested_at,
  outcome as state, replica, started_at, worker, finished_at, output, error`);

export const SHOWN = sql.raw(`
  id, job_type as "jobType", state, schedule_id as "scheduleId", due_at as "dueAt", payload, priority, run_at as "runAt", attempt,
  past_attempts as "pastAttempts", created_at as "createdAt", queue, concurrency_key as "concurrencyKey", tags, deadline, progress,
  cancel_requested_at as "cancelRequestedAt", replica, worker, started_at as "startedAt", finished_at as "finishedAt", output, error`);

/** The same of a run that has just been inserted. */
export const INSERTED = sql.raw(`
  id, job_type as "jobType", case when run_at > clock_timestamp() then 'scheduled' else 'queued' end as state,
  schedule_id as "scheduleId", due_at as "dueAt", payload, priority, run_at as "runAt", attempt,
  past_attempts as "pastAttempts", created_at as "createdAt", queue, concurrency_key as "concurrencyKey", tags, deadline, progress,
  cancel_requested_at as "cancelRequestedAt", null::int as replica, null::uuid as worker, null::timestamptz as "startedAt",
  null::timestamptz as "finishedAt", null::jsonb as output, null::jsonb as error`);
