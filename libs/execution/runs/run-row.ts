// The row in which a run is shown, wherever it is. A waiting or running run, a finished one and a new one have the same
// columns: all four texts are made from one list, which the compiler compares with RunRow.
import { sql, type RawBuilder } from 'kysely';
import type { ReplicaNumber, RunId, ScheduleId, WorkerId } from '#kernel/ids.js';

/** Those that a run can be in before it is over. */
export const OPEN_STATES = ['scheduled', 'queued', 'running', 'retrying'] as const;
export type OpenState = (typeof OPEN_STATES)[number];

export type RunState = OpenState | 'succeeded' | 'failed' | 'cancelled' | 'expired' | 'dead-lettered';

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
  /** Its schedule's name, unless that was deleted. */
  schedule: string | null;
  dueAt: Date | null;
  payload: unknown;
  priority: number;
  runAt: Date;
  attempt: number;
  pastAttempts: object[] | null;
  createdAt: Date;
  replica: ReplicaNumber | null;
  /** The name under which that replica was started. */
  replicaName: string | null;
  /** The worker that has taken it, or whose attempt was the last. */
  worker: WorkerId | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  output: unknown;
  error: unknown;
  /** Which its attempt holds, or with a null token those for which it stands in line; null for none. */
  locks: { name: string; token: number | null }[] | null;
}

/** The source of a field of RunRow; by default the column of that name. */
interface Source {
  column: string;
  /** For a run `r` that is claimed under `h`, or leased under `l`. */
  open?: string;
  /** For a run that is over. */
  ended?: string;
  /** For a run that has just been inserted. */
  inserted?: string;
  /** Read from another table for the few rows that are shown, once they have been chosen. */
  shown?: string;
  /** Made of the column for the few rows that are shown. */
  dressed?: string;
}

const SOURCES = {
  id: { column: 'id' },
  jobType: { column: 'job_type' },
  state: {
    column: 'state',
    open: `case when h.started_at is not null or l.state = 'taken' then 'running'
       when r.failures > 0 then 'retrying'
       when coalesce(l.run_at, r.run_at) > clock_timestamp() then 'scheduled'
       else 'queued' end`,
    ended: 'outcome',
    inserted: `case when run_at > clock_timestamp() then 'scheduled' else 'queued' end`,
  },
  queue: { column: 'queue' },
  concurrencyKey: { column: 'concurrency_key' },
  tags: { column: 'tags' },
  deadline: { column: 'deadline' },
  progress: { column: 'progress' },
  cancelRequestedAt: { column: 'cancel_requested_at', ended: 'null::timestamptz' },
  scheduleId: { column: 'schedule_id' },
  schedule: {
    column: 'schedule',
    inserted: 'null::text',
    shown: '(select s.name from carillon.schedule s where s.id = run.schedule_id)',
  },
  dueAt: { column: 'due_at' },
  payload: { column: 'payload' },
  priority: { column: 'priority' },
  runAt: { column: 'run_at', open: 'coalesce(l.run_at, r.run_at)' },
  attempt: { column: 'attempt' },
  pastAttempts: {
    column: 'past_attempts',
    dressed: `(select jsonb_agg(case when p.name is null then a.attempt else a.attempt || jsonb_build_object('replicaName', p.name) end
                                order by a.place)
                 from jsonb_array_elements(run.past_attempts) with ordinality as a (attempt, place)
                 left join carillon.replica p on p.number = (a.attempt ->> 'replica')::int)`,
  },
  createdAt: { column: 'created_at' },
  replica: { column: 'replica', open: 'h.replica', inserted: 'null::int' },
  replicaName: {
    column: 'replica_name',
    inserted: 'null::text',
    shown: '(select p.name from carillon.replica p where p.number = run.replica)',
  },
  worker: { column: 'worker', open: 'l.worker', inserted: 'null::uuid' },
  startedAt: {
    column: 'started_at',
    open: 'coalesce(h.started_at, l.taken_at)',
    inserted: 'null::timestamptz',
  },
  finishedAt: { column: 'finished_at', open: 'null::timestamptz', inserted: 'null::timestamptz' },
  output: { column: 'output', open: 'null::jsonb', inserted: 'null::jsonb' },
  error: { column: 'error', open: 'null::jsonb', inserted: 'null::jsonb' },
  locks: {
    column: 'locks',
    // Without those that were released before its attempt has ended.
    open: `case when r.holds is not null then
             (select jsonb_agg(e.held order by e.place)
                from jsonb_array_elements(r.holds) with ordinality as e (held, place)
               where exists (select from carillon.lock_hold k
                              where k.tenant_id = r.tenant_id and k.name = e.held ->> 'name' and k.token = (e.held ->> 'token')::bigint)) end`,
    ended: 'null::jsonb',
    inserted: 'null::jsonb',
    dressed: `coalesce(run.locks, (select jsonb_agg(jsonb_build_object('name', w.name, 'token', null) order by w.name)
                                     from carillon.run o
                                     join carillon.lock_wait w on w.tenant_id = o.tenant_id and w.until > clock_timestamp()
                                                                  and w.holder = 'run ' || o.id || '/' || o.attempt
                                    where o.id = run.id))`,
  },
} satisfies Record<keyof RunRow, Source>;

function columns(text: (field: string, source: Source) => string | null): RawBuilder<unknown> {
  return sql.raw(
    Object.entries(SOURCES)
      .map(([field, source]) => text(field, source))
      .filter((column) => column !== null)
      .join(', '),
  );
}

/** The state of a run `r` that is not over, with the start `h` that its claim has noted and its lease `l`. */
export const OPEN_STATE: RawBuilder<OpenState> = sql.raw(SOURCES.state.open);

/** For a run `r` that is claimed under `h`, or leased under `l`. */
export const UNFINISHED = columns((_, { column, shown, open = `r.${column}` }) =>
  shown === undefined ? `${open} as ${column}` : null,
);

/** For a run that is over. */
export const FINISHED = columns((_, { column, shown, ended = column }) =>
  shown === undefined ? `${ended} as ${column}` : null,
);

/** The rows that either has selected, as RunRows. */
export const SHOWN = columns(
  (field, { column, shown = column, dressed = shown }) => `${dressed} as "${field}"`,
);

/** A RunRow of a run that has just been inserted. */
export const INSERTED = columns((field, { column, inserted = column }) => `${inserted} as "${field}"`);
