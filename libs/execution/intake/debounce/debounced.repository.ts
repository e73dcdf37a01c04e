// Runs that wait for the last call of their debounce key. A run of slot 5 waits as one of slot -6: no owner's claim and no
// scan for lanes reads such a slot, in this version or in the one before. All statements lock runs in the order of their
// keys, so that no two batches wait for each other.
import { sql, type RawBuilder } from 'kysely';
import type { Question } from '#cluster/lookout/lookout.repository.js';
import type { Database, Tx } from '#database/connection.js';
import { asId, type RunId, type Slot } from '#kernel/ids.js';
import { givenRuns, type NewRun } from '../new-run.repository.js';

export interface DebouncedRun {
  /** Its `delayMs` counts from this call. */
  run: NewRun;
  key: string;
  maxDelayMs: number;
}

export interface WaitingRun {
  jobType: string;
  key: string;
  id: RunId;
}

/** As in the predicate of the unique index (migrations/0036): a run that is to be cancelled waits for nothing more. */
const WAITS = sql`slot < 0 and cancel_requested_at is null`;

/** As in the predicate of the index of their instants, which is worded otherwise so that no look for a key walks it. */
const OUTSIDE = asId.slot(-1);

const tagsOf = sql`case when r.tags is not null then array(select jsonb_array_elements_text(r.tags::jsonb)) end`;

/**
 * Makes each run, or gives its values to the one that waits under its key; no two have the same key. A run that another
 * transaction is making is waited for, and moved then.
 */
export async function insertOrMove(tx: Tx, runs: readonly DebouncedRun[]): Promise<WaitingRun[]> {
  if (runs.length === 0) return [];
  const { rows } = await sql<WaitingRun>`
    insert into carillon.run as run (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, priority, deadline, run_at,
                                     created_at, debounce_key, debounce_until)
    select r.id, r.tenant_id, -1 - r.slot, r.job_type, r.queue, r.concurrency_key, ${tagsOf}, r.payload::jsonb, r.priority, r.deadline,
           statement_timestamp() + make_interval(secs => r.delay_ms / 1000), statement_timestamp(),
           d.key, statement_timestamp() + make_interval(secs => d.max_delay_ms / 1000)
      from ${given(runs)}
     order by r.job_type collate "C", d.key collate "C"
    on conflict (tenant_id, job_type, debounce_key) where ${WAITS}
    do update set queue = excluded.queue, concurrency_key = excluded.concurrency_key, tags = excluded.tags, payload = excluded.payload,
                  priority = excluded.priority, deadline = excluded.deadline,
                  debounce_until = run.created_at + (excluded.debounce_until - excluded.created_at),
                  run_at = least(excluded.run_at, run.created_at + (excluded.debounce_until - excluded.created_at))
    returning job_type as "jobType", debounce_key as key, id`.execute(tx);
  return rows;
}

/**
 * Gives their values to the runs that wait under these keys, and makes none. They are locked by their ids: a condition that
 * the planner can compare with the predicate of an index would let it read that whole.
 */
export async function moveWaiting(tx: Tx, runs: readonly DebouncedRun[]): Promise<WaitingRun[]> {
  const { rows } = await sql<WaitingRun>`
    with wanted as materialized (
      select waiting.id as waiting_id, r.*, d.key, d.max_delay_ms
        from ${given(runs)}
       cross join lateral (
         select id from carillon.run
          where tenant_id = r.tenant_id and job_type = r.job_type and debounce_key = d.key and ${WAITS}
          limit 1) waiting), -- so that each is one look at an index
    locked as materialized (
      select id from carillon.run
       where id = any(array(select waiting_id from wanted)) and -1 - slot >= 0 and cancel_requested_at is null
       order by job_type collate "C", debounce_key collate "C"
         for update)
    update carillon.run
       set queue = r.queue, concurrency_key = r.concurrency_key, tags = ${tagsOf}, payload = r.payload::jsonb, priority = r.priority,
           deadline = r.deadline, debounce_until = created_at + make_interval(secs => r.max_delay_ms / 1000),
           run_at = least(statement_timestamp() + make_interval(secs => r.delay_ms / 1000), created_at + make_interval(secs => r.max_delay_ms / 1000))
      from wanted r join locked on locked.id = r.waiting_id
     where run.id = locked.id and run.tenant_id = r.tenant_id
    returning run.job_type as "jobType", run.debounce_key as key, run.id`.execute(tx);
  return rows;
}

/** The runs of NewRuns as rows `r`, each with what debounces it as `d`. */
function given(runs: readonly DebouncedRun[]): RawBuilder<unknown> {
  return sql`${givenRuns(runs.map(({ run }) => run))}
      join unnest(${runs.map(({ run }) => run.id)}::uuid[],
                  ${runs.map(({ key }) => key)}::text[],
                  ${runs.map(({ maxDelayMs }) => maxDelayMs)}::float8[]) as d (run_id, key, max_delay_ms) on d.run_id = r.id`;
}

/**
 * Lets runs whose instant has come into their slots, where their owners find them; resolves with the slots. A run that a
 * call is moving is left to the next pass. Of two replicas that do this at once, each takes other runs. Their run_at is
 * now, as if they had just been made: claims do not look behind what they took last.
 */
export async function letIn(
  db: Database,
  { limit }: { limit: number },
): Promise<{ count: number; slots: Slot[] }> {
  const { rows } = await sql<{ slot: Slot }>`
    with due as materialized (
      select id from carillon.run
       where slot <= -1 and run_at <= statement_timestamp()
       order by run_at
       limit ${limit}
         for update skip locked)
    update carillon.run
       set slot = -1 - slot, run_at = statement_timestamp()
     where id = any(array(select id from due))
    returning slot`.execute(db);
  return { count: rows.length, slots: [...new Set(rows.map(({ slot }) => slot))] };
}

/** Milliseconds until the next one is due; null when none waits. */
export async function nextInMs(db: Database): Promise<number | null> {
  const row = await db
    .selectFrom('run')
    .select(sql<number>`extract(epoch from run_at - clock_timestamp())::float8 * 1000`.as('ms'))
    .where('slot', '<=', OUTSIDE)
    .orderBy('run_at')
    .limit(1)
    .executeTakeFirst();
  return row?.ms ?? null;
}

export const isAnyWaiting: Question = sql`(select min(run_at) from carillon.run where slot <= ${sql.lit(OUTSIDE)}) is not null`;
