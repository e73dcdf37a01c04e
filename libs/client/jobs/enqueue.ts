// Creates runs in the caller's own transaction, by calling the database's function carillon.enqueue() on the caller's
// connection. If the transaction rolls back there is no run; if it commits, a replica finds the run within a second.
// No server is asked, so the payload is checked here by the job's own schema. The payload is stored as it was given,
// since the worker's schema reads it once more.
import type { EnqueueableJob, RunOptions } from './enqueue-options.js';
import { parsePayload } from './payload-check.js';
import { columnStatement, readIds } from './run-columns.js';
import { checkRunValues, expectRunOptions } from '#client/options/run-values.js';
import { checkKeyOptions } from '#client/options/key-options-check.js';
import { queryRows, type SqlExecutor } from './sql-executor.js';

export interface EnqueueOptions extends RunOptions {
  /** The tenant's name. */
  tenant: string;
}

/** What both of the database's functions take, with this text for the concurrency key. */
const given = (concurrencyKey: string): string => `
         tenant => $1::text, job_type => $2::text,
         payload => coalesce(r.run -> 'payload', '{}'),
         queue => coalesce(r.run ->> 'queue', 'default'),
         priority => coalesce((r.run ->> 'priority')::integer, 0),
         tags => case when r.run ? 'tags' then array(select jsonb_array_elements_text(r.run -> 'tags')) end,
         concurrency_key => ${concurrencyKey},
         deadline => (r.run ->> 'deadline')::timestamptz`;

const call = (concurrencyKey: string): string => `carillon.enqueue(${given(concurrencyKey)},
         run_at => (r.run ->> 'runAt')::timestamptz,
         unique_key => r.run -> 'unique' ->> 'key',
         unique_window => make_interval(secs => (r.run -> 'unique' ->> 'windowSeconds')::float8),
         on_conflict => coalesce(r.run -> 'unique' ->> 'onConflict', 'return'))`;

const FROM_RUNS = `from jsonb_array_elements($3::jsonb) with ordinality as r (run, place)`;

const ENQUEUE = `select r.place, ${call(`r.run ->> 'concurrencyKey'`)} as id ${FROM_RUNS}`;

const STORED_KEY = `case when r.run ? 'overlap'
              then carillon.overlap_key(r.run ->> 'concurrencyKey', r.run -> 'overlap' ->> 'mode', (r.run -> 'overlap' ->> 'max')::integer)
              else r.run ->> 'concurrencyKey' end`;

const ORDERED_KEY = `case when r.run ->> 'order' = 'strict' then carillon.strict_key(r.run ->> 'concurrencyKey')
              when r.run ? 'order' and not r.run ? 'overlap' then carillon.overlap_key(r.run ->> 'concurrencyKey', 'allow')
              else ${STORED_KEY} end`;

const keyed = (storedKey: string): string => `
select r.place, case when r.run ? 'debounce' then (carillon.enqueue_debounced(${given(storedKey)},
         debounce_key => r.run -> 'debounce' ->> 'key',
         delay => make_interval(secs => (r.run -> 'debounce' ->> 'delaySeconds')::float8),
         max_delay => make_interval(secs => (r.run -> 'debounce' ->> 'maxDelaySeconds')::float8))).id
       else ${call(storedKey)} end as id
  ${FROM_RUNS}`;

/** For runs with options that a database of the versions before does not know: it has no such functions. */
const ENQUEUE_KEYED = keyed(STORED_KEY);
const ENQUEUE_ORDERED = keyed(ORDERED_KEY);

/**
 * Creates a run in the transaction of `db`: a client of `pg`, or a Kysely instance or transaction. Resolves with its
 * id, or with that of the run that holds its unique key, or waits under its debounce key. Throws InvalidPayloadError, or
 * TypeError for options that make no sense or can't be sent, before anything is written.
 * Errors of the database are passed on: P0002 for an unknown tenant or job type, 55000 for a suspended tenant, 22023
 * for an invalid option, 23505 for a key that is held, 53400 for a limit that is reached.
 */
export async function enqueue<Input>(
  db: SqlExecutor,
  definition: EnqueueableJob<Input>,
  payload: Input,
  options: EnqueueOptions,
): Promise<string> {
  expectRunOptions(options, { more: ['tenant'] });
  const { tenant, ...run } = options;
  checkKeyOptions(options);
  checkRunValues(run);
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
  for (const [index, run] of runs.entries()) {
    expectRunOptions(run, { more: ['payload'], prefix: `runs[${index}].` });
    checkKeyOptions(run, `runs[${index}].`);
    checkRunValues(run, `runs[${index}].`);
    await parsePayload(definition, run.payload, `/${index}/payload`);
  }
  if (runs.length === 0) return [];
  const jobType = definition.name;
  if (runs.some(({ debounce }) => debounce !== undefined)) return insert(db, { tenant, jobType, runs });
  const { text, values } = columnStatement({ tenant, jobType }, runs);
  const [row] = await queryRows<{ ids: string }>(db, text, values);
  return readIds(row?.ids ?? '');
}

async function insert(
  db: SqlExecutor,
  { tenant, jobType, runs }: { tenant: string; jobType: string; runs: readonly BulkRun<unknown>[] },
): Promise<string[]> {
  const isKeyed = runs.some(({ overlap, debounce }) => overlap !== undefined || debounce !== undefined);
  const isOrdered = runs.some(({ order }) => order !== undefined);
  const rows = await queryRows<{ id: string; place: string | number }>(
    db,
    isOrdered ? ENQUEUE_ORDERED : isKeyed ? ENQUEUE_KEYED : ENQUEUE,
    [tenant, jobType, JSON.stringify(runs)],
  );
  return rows.toSorted((a, b) => Number(a.place) - Number(b.place)).map(({ id }) => id);
}
