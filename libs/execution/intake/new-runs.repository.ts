// Many new runs of one tenant. Their tenant is named once, and a column that none of them has is sent as null: of a
// thousand runs with nothing but payloads, half of the bytes were such columns.
import { sql } from 'kysely';
import { plainArray } from '#database/array-text.js';
import type { Database } from '#database/connection.js';
import { jsonArrayText } from '#kernel/json/json-array-text.js';
import type { NewRun } from './new-run.repository.js';

/** Inserts all of them or none. They are of the first one's tenant. */
export async function insertTogether(db: Database, runs: readonly NewRun[]): Promise<void> {
  const [first] = runs;
  if (first === undefined) return;
  // Most batches are of one job, and of one queue.
  const jobTypes = runs.map((run) => (run.jobType === first.jobType ? null : run.jobType));
  const queues = runs.map((run) => (run.queue === first.queue ? null : run.queue));
  await sql`
    insert into carillon.run (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, priority, deadline, run_at,
                              unique_key, unique_window)
    select r.id, ${first.tenantId}::uuid, ${first.slot}::smallint, coalesce(r.job_type, ${first.jobType}), coalesce(r.queue, ${first.queue}),
           r.concurrency_key, case when r.tags is not null then array(select jsonb_array_elements_text(r.tags)) end,
           r.payload, coalesce(r.priority, 0), r.deadline,
           coalesce(r.run_at, clock_timestamp() + make_interval(secs => coalesce(r.delay_ms, 0) / 1000)),
           r.unique_key, make_interval(secs => r.unique_window_ms / 1000)
      from unnest(${plainArray(runs.map((run) => run.id))}::uuid[],
                  ${jsonArrayText(runs.map((run) => JSON.stringify(run.payload)))}::jsonb[],
                  ${ifAny(jobTypes)}::text[],
                  ${ifAny(queues)}::text[],
                  ${ifAny(runs.map((run) => run.concurrencyKey))}::text[],
                  ${ifAny(runs.map(({ tags }) => (tags.length > 0 ? JSON.stringify(tags) : null)))}::jsonb[],
                  ${ifAny(runs.map((run) => (run.priority === 0 ? null : run.priority)))}::smallint[],
                  ${ifAny(runs.map((run) => run.deadline))}::timestamptz[],
                  ${ifAny(runs.map((run) => run.runAt))}::timestamptz[],
                  ${ifAny(runs.map(({ delayMs = 0 }) => (delayMs === 0 ? null : delayMs)))}::float8[],
                  ${ifAny(runs.map((run) => run.unique?.key ?? null))}::text[],
                  ${ifAny(runs.map((run) => run.unique?.windowMs ?? null))}::float8[])
           as r (id, payload, job_type, queue, concurrency_key, tags, priority, deadline, run_at, delay_ms, unique_key, unique_window_ms)`.execute(
    db,
  );
}

function ifAny<Value>(values: (Value | null)[]): (Value | null)[] | null {
  return values.some((value) => value !== null) ? values : null;
}
