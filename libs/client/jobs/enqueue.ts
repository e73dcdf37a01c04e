// Creates runs in the caller's own transaction, by calling the database's function carillon.enqueue() on the caller's
// connection. If the transaction rolls back there is no run; if it commits, a replica finds the run within a second.
// No server is asked, so the payload is checked here by the job's own schema. The payload is stored as it was given,
// since the worker's schema reads it once more.
import type { EnqueueableJob, RunOptions } from './enqueue-options.js';
import { parsePayload } from './payload-check.js';
import { queryRows, type SqlExecutor } from './sql-executor.js';

export interface EnqueueOptions extends RunOptions {
  /** The tenant's name. */
  tenant: string;
}

const ENQUEUE = `
select r.place, carillon.enqueue(
         tenant => $1::text, job_type => $2::text,
         payload => coalesce(r.run -> 'payload', '{}'),
         run_at => (r.run ->> 'runAt')::timestamptz,
         queue => coalesce(r.run ->> 'queue', 'default'),
         priority => coalesce((r.run ->> 'priority')::integer, 0),
         unique_key => r.run -> 'unique' ->> 'key',
         unique_window => make_interval(secs => (r.run -> 'unique' ->> 'windowSeconds')::float8),
         on_conflict => coalesce(r.run -> 'unique' ->> 'onConflict', 'return'),
         tags => case when r.run ? 'tags' then array(select jsonb_array_elements_text(r.run -> 'tags')) end,
         concurrency_key => r.run ->> 'concurrencyKey',
         deadline => (r.run ->> 'deadline')::timestamptz) as id
  from jsonb_array_elements($3::jsonb) with ordinality as r (run, place)`;

/**
 * Creates a run in the transaction of `db`: a client of `pg`, or a Kysely instance or transaction. Resolves with its
 * id, or with that of the run that holds its unique key. Throws InvalidPayloadError before anything is written.
 * Errors of the database are passed on: P0002 for an unknown tenant or job type, 55000 for a suspended tenant, 22023
 * for an invalid option, 23505 for a key that is held, 53400 for a limit that is reached.
 */
export async function enqueue<Input>(
  db: SqlExecutor,
  definition: EnqueueableJob<Input>,
  payload: Input,
  options: EnqueueOptions,
): Promise<string> {
  const { tenant, ...run } = options;
  await parsePayload(definition, payload);
  const [id] = await insert(db, { tenant, jobType: definition.name, runs: [{ ...run, payload }] });
  if (id === undefined) throw new Error(`expected the id of the run of ${definition.name}, got no row`);
  return id;
}

export interface BulkRun<Input> extends RunOptions {
  payload: Input;
}

/** Creates many runs of one job in one statement, all or none; resolves with their ids in the order given. */
export async function bulkEnqueue<Input>(
  db: SqlExecutor,
  definition: EnqueueableJob<Input>,
  runs: readonly BulkRun<Input>[],
  { tenant }: { tenant: string },
): Promise<string[]> {
  for (const [index, { payload }] of runs.entries())
    await parsePayload(definition, payload, `/${index}/payload`);
  return runs.length === 0 ? [] : insert(db, { tenant, jobType: definition.name, runs });
}

async function insert(
  db: SqlExecutor,
  { tenant, jobType, runs }: { tenant: string; jobType: string; runs: readonly BulkRun<unknown>[] },
): Promise<string[]> {
  const rows = await queryRows<{ id: string; place: string | number }>(db, ENQUEUE, [
    tenant,
    jobType,
    JSON.stringify(runs),
  ]);
  return rows.toSorted((a, b) => Number(a.place) - Number(b.place)).map(({ id }) => id);
}
