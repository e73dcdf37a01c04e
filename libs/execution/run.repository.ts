// Which statements take runs in and show them? A run is in `run` until it ends and in `run_history`
// afterwards, moved in one transaction, so it is always in exactly one of them (I5).
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { RunId, ScheduleId, Slot, TenantId } from '#kernel/ids.js';
import { stillHolds, type AssumedJob } from './job-proof.js';
import { FINISHED, INSERTED, SHOWN, UNFINISHED, type RunRow, type RunState } from './run-row.js';

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
  /** Null means now, by the database's clock, or later by `delayMs`. */
  runAt: Date | null;
  delayMs?: number;
  deadline: Date | null;
  /** What it holds; kept with it, so that it can hold it again when it comes back. */
  unique?: { key: string; windowMs: number | null } | null;
}

export async function insertRun(db: Database, run: NewRun): Promise<void> {
  await insertRuns(db, [run]);
}

/** All of them or none. */
export async function insertRuns(db: Database, runs: readonly NewRun[]): Promise<void> {
  await sql`
    insert into carillon.run (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, priority, deadline, run_at,
                              unique_key, unique_window)
    select r.id, r.tenant_id, r.slot, r.job_type, r.queue, r.concurrency_key,
           case when r.tags is not null then array(select jsonb_array_elements_text(r.tags::jsonb)) end,
           r.payload::jsonb, r.priority, r.deadline, coalesce(r.run_at, clock_timestamp() + make_interval(secs => r.delay_ms / 1000)),
           r.unique_key, make_interval(secs => r.unique_window_ms / 1000)
      from unnest(${runs.map((run) => run.id)}::uuid[],
                  ${runs.map((run) => run.tenantId)}::uuid[],
                  ${runs.map((run) => run.slot)}::smallint[],
                  ${runs.map((run) => run.jobType)}::text[],
                  ${runs.map((run) => run.queue)}::text[],
                  ${runs.map((run) => run.concurrencyKey)}::text[],
                  ${runs.map((run) => tagsJson(run.tags))}::text[],
                  ${runs.map((run) => JSON.stringify(run.payload))}::text[],
                  ${runs.map((run) => run.priority)}::smallint[],
                  ${runs.map((run) => run.deadline)}::timestamptz[],
                  ${runs.map((run) => run.runAt)}::timestamptz[],
                  ${runs.map((run) => run.delayMs ?? 0)}::float8[],
                  ${runs.map((run) => run.unique?.key ?? null)}::text[],
                  ${runs.map((run) => run.unique?.windowMs ?? null)}::float8[])
        as r (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, priority, deadline, run_at, delay_ms,
              unique_key, unique_window_ms)`.execute(db);
}

/**
 * For one that comes alone: there is nothing to unfold, and nobody need read it again. Undefined when what was `assumed`
 * no longer holds; then nothing is inserted.
 */
export async function insertAndShowRun(
  db: Database,
  run: NewRun,
  assumed: AssumedJob | null,
): Promise<RunRow | undefined> {
  const { rows } = await sql<RunRow>`
    insert into carillon.run (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, priority, deadline, run_at)
    select ${run.id}::uuid, ${run.tenantId}::uuid, ${run.slot}::smallint, ${run.jobType}, ${run.queue}, ${run.concurrencyKey},
           ${run.tags.length > 0 ? [...run.tags] : null}::text[], ${JSON.stringify(run.payload)}::jsonb, ${run.priority}::smallint,
           ${run.deadline}::timestamptz,
           coalesce(${run.runAt}::timestamptz, clock_timestamp() + make_interval(secs => ${(run.delayMs ?? 0) / 1_000}::float8))
     where ${assumed === null ? sql`true` : stillHolds(assumed)}
    returning ${INSERTED}`.execute(db);
  return rows[0];
}

/** Which of these runs wait and have never been claimed for an attempt. The caller holds their owner's claims off. */
export async function findUnclaimed(tx: Tx, ids: readonly RunId[]): Promise<Set<RunId>> {
  const { rows } = await sql<{ id: RunId }>`
    select r.id
      from carillon.run r
     where r.id = any(${[...ids]}::uuid[]) and r.attempt = 1 and r.failures = 0 and r.cancel_requested_at is null
       and not exists (select 1 from carillon.claim c where r.id = any(c.run_ids))
       and not exists (select 1 from carillon.lease l where l.run_id = r.id)`.execute(tx);
  return new Set(rows.map((row) => row.id));
}

/** The caller holds the owner's claims off, so the run is either claimed or ours to change. Its id and its age stay. */
export async function replaceRun(tx: Tx, run: NewRun): Promise<void> {
  await sql`
    update carillon.run
       set job_type = ${run.jobType}, queue = ${run.queue}, concurrency_key = ${run.concurrencyKey},
           tags = (select array_agg(tag) from jsonb_array_elements_text(${tagsJson(run.tags)}::jsonb) as given (tag)),
           payload = ${JSON.stringify(run.payload)}::jsonb, priority = ${run.priority}, deadline = ${run.deadline},
           run_at = coalesce(${run.runAt}::timestamptz, clock_timestamp() + make_interval(secs => ${(run.delayMs ?? 0) / 1_000}::float8))
     where id = ${run.id}`.execute(tx);
}

/** A tenant's runs that are not over, counted no further than its limit; not at all when it has none. */
export async function countTowardsQuota(
  db: Database,
  tenantId: TenantId,
): Promise<{ maxQueued: number | null; count: number }> {
  const { rows } = await sql<{ maxQueued: number | null; count: number }>`
    select t.max as "maxQueued", case when t.max is null then 0 else carillon.count_runs(t.id, t.max) end as count
      from (select id, (limits ->> 'maxQueued')::int as max from carillon.tenant where id = ${tenantId}) t`.execute(
    db,
  );
  return rows[0] ?? { maxQueued: null, count: 0 };
}

// Lists of different lengths can't be one array of arrays.
function tagsJson(tags: readonly string[]): string | null {
  return tags.length > 0 ? JSON.stringify(tags) : null;
}

export interface RunPage {
  tenantId: TenantId;
  /** Only this one. */
  id: RunId | null;
  scheduleId: ScheduleId | null;
  state: RunState | null;
  queue?: string | null;
  jobType?: string | null;
  tag?: string | null;
  /** From the first, before the second. */
  createdAfter?: Date | null;
  createdBefore?: Date | null;
  /** Exclusive; ids are ordered by creation. */
  beforeId: RunId | null;
  /** Inclusive: where the look for what is filtered ends. */
  fromId?: RunId | null;
  limit: number;
}

const ENDED: ReadonlySet<RunState> = new Set([
  'succeeded',
  'failed',
  'cancelled',
  'expired',
  'dead-lettered',
]);

/**
 * Newest first, unfinished and finished alike. A run counts as running once its holder has said so, which it does
 * of those that have been running for a fraction of a second (held-watch-loop.ts); until then it is queued. One that
 * is outside is running once somebody has taken its lease.
 */
export async function listRuns(db: Database, page: RunPage): Promise<RunRow[]> {
  const { state, limit, fromId = null } = page;
  const wanted = sql`${inIndex(page)} and ${picked(page)} and (${fromId}::uuid is null or id >= ${fromId}::uuid)`;
  const ofState = sql`(${state}::text is null or state = ${state}::text)`;
  // The state of an unfinished run is found out only after its claim is; until then no row can be left out.
  const unfinishedLimit = state === null ? limit : SCANNED_MAX;
  const { rows } = await sql<RunRow>`
    with held as materialized (
      select c.replica, u.id, (c.started ->> u.id::text)::timestamptz as started_at
        from carillon.claim c cross join lateral unnest(c.run_ids) as u (id)),
    unfinished as (
      select ${UNFINISHED}
        from (select * from carillon.run where ${mayBe(page, 'unfinished')} and ${wanted} order by id desc limit ${unfinishedLimit}) r
        left join held h on h.id = r.id
        left join carillon.lease l on l.run_id = r.id),
    finished as not materialized (
      select ${FINISHED} from carillon.run_history where ${mayBe(page, 'finished')} and ${wanted})
    select ${SHOWN}
      from ((select * from unfinished where ${ofState} order by id desc limit ${limit})
             union all
            (select * from finished where ${ofState} order by id desc limit ${limit})) run
     order by id desc
     limit ${limit}`.execute(db);
  return rows;
}

/**
 * How far one page may look for runs that no index finds: the last of so many ids after `beforeId`, or null
 * when there are fewer, or every filter has an index.
 */
export async function scanEnd(db: Database, page: RunPage): Promise<RunId | null> {
  const { state, queue = null, jobType = null, tag = null } = page;
  const isIndexed = queue === null && jobType === null && tag === null && (state === null || hasIndex(state));
  if (isIndexed) return null;
  const { rows } = await sql<{ id: RunId }>`
    select id
      from ((select id from carillon.run
              where ${mayBe(page, 'unfinished')} and ${inIndex(page)} order by id desc offset ${SCANNED_MAX - 1} limit 1)
             union all
            (select id from carillon.run_history
              where ${mayBe(page, 'finished')} and ${inIndex(page)} order by id desc offset ${SCANNED_MAX - 1} limit 1)) seen
     order by id desc
     limit 1`.execute(db);
  return rows[0]?.id ?? null;
}

/** Rows that one page looks at, at most, in each of the two tables. */
const SCANNED_MAX = 10_000;
/** Ids are made by many clocks; their instants are this exact, at least. */
const CLOCKS_APART_MS = 600_000;

/** Runs that went wrong are few, and have an index. */
function hasIndex(state: RunState): boolean {
  return ENDED.has(state) && state !== 'succeeded';
}

/** What an index finds: (tenant, id) or (schedule, id). */
function inIndex({ tenantId, id, scheduleId, beforeId, createdAfter = null, createdBefore = null }: RunPage) {
  const first = createdAfter && firstIdOf(createdAfter.getTime() - CLOCKS_APART_MS);
  const last = createdBefore && firstIdOf(createdBefore.getTime() + CLOCKS_APART_MS);
  return sql`tenant_id = ${tenantId}
         and (${id}::uuid is null or id = ${id}::uuid)
         and (${scheduleId}::uuid is null or schedule_id = ${scheduleId}::uuid)
         and (${beforeId}::uuid is null or id < ${beforeId}::uuid)
         and (${first}::uuid is null or id >= ${first}::uuid)
         and (${last}::uuid is null or id < ${last}::uuid)`;
}

/** What is looked for row by row. */
function picked({
  queue = null,
  jobType = null,
  tag = null,
  createdAfter = null,
  createdBefore = null,
}: RunPage) {
  return sql`(${queue}::text is null or queue = ${queue}::text)
         and (${jobType}::text is null or job_type = ${jobType}::text)
         and (${tag}::text is null or tags @> array[${tag}::text])
         and (${createdAfter}::timestamptz is null or created_at >= ${createdAfter}::timestamptz)
         and (${createdBefore}::timestamptz is null or created_at < ${createdBefore}::timestamptz)`;
}

/** No look where no such state can be; and where runs that went wrong are asked for, into their index. */
function mayBe({ state }: RunPage, table: 'unfinished' | 'finished') {
  if (state === null) return sql`true`;
  if (ENDED.has(state) !== (table === 'finished')) return sql`false`;
  return hasIndex(state) ? sql`outcome = ${state} and outcome <> 'succeeded'` : sql`true`;
}

/** The lowest UUIDv7 of a millisecond (RFC 9562). */
function firstIdOf(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0').slice(-12);
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

/** One run, wherever it is. Unlike a list it looks for one holder only, and not for those of everything that is held. */
export async function findRun(
  db: Database,
  { tenantId, id }: { tenantId: TenantId; id: RunId },
): Promise<RunRow | undefined> {
  const { rows } = await sql<RunRow>`
    select ${SHOWN}
      from (select ${UNFINISHED}
              from carillon.run r
              left join lateral (
                select c.replica, (c.started ->> r.id::text)::timestamptz as started_at
                  from carillon.claim c where r.id = any(c.run_ids) limit 1) h on true
              left join lateral (select * from carillon.lease where run_id = r.id limit 1) l on true
             where r.id = ${id} and r.tenant_id = ${tenantId}
             union all
            select ${FINISHED} from carillon.run_history where tenant_id = ${tenantId} and id = ${id}) run
     limit 1`.execute(db);
  return rows[0];
}

/** Which of these runs are over. */
export async function finishedAmong(db: Database, ids: readonly RunId[]): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId }>`
    select asked.id
      from unnest(${[...ids]}::uuid[]) as asked (id)
      left join lateral (select id from carillon.run r where r.id = asked.id limit 1) r on true
     where r.id is null`.execute(db);
  return rows.map((row) => row.id);
}
