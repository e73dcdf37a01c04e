// Reads runs, wherever they are: those that wait or run, and those that are over.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import { readFitting, type FittingPage } from '#database/fitting-page.repository.js';
import type { RunId, ScheduleId, TenantId } from '#kernel/ids.js';
import { FINISHED, SHOWN, UNFINISHED, type RunRow, type RunState } from './run-row.js';

export interface RunPage {
  tenantId: TenantId;
  scheduleId: ScheduleId | null;
  state: RunState | null;
  queue: string | null;
  jobType: string | null;
  tag: string | null;
  /** Created from the first instant on, before the second. */
  createdAfter: Date | null;
  createdBefore: Date | null;
  /** Exclusive; ids are ordered by creation. */
  beforeId: RunId | null;
  /** Inclusive: where a filtered search ends. */
  fromId: RunId | null;
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
 * Newest first, unfinished and finished alike. A run counts as running once its holder has recorded its start, which
 * happens after a fraction of a second (held-watch-loop.ts); until then it is queued. A parked run is running once a
 * worker has taken its lease.
 */
export async function listRuns(db: Database, page: RunPage): Promise<FittingPage<RunRow>> {
  const { state, limit, fromId } = page;
  const wanted = sql`${inIndex(page)} and ${picked(page)} and (${fromId}::uuid is null or id >= ${fromId}::uuid)`;
  const ofState = sql`(${state}::text is null or state = ${state}::text)`;
  // The state of an unfinished run is known only together with its claim; until then no row can be left out.
  const unfinishedLimit = state === null ? limit : SCANNED_MAX;
  return readFitting(
    db,
    sql<RunRow>`
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
     limit ${limit}`,
  );
}

/**
 * How far one page may search for runs that no index finds: the last of so many ids after `beforeId`, or null when
 * there are fewer, or every filter has an index.
 */
export async function scanEnd(db: Database, page: RunPage): Promise<RunId | null> {
  const { state, queue, jobType, tag } = page;
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

/** Rows that one page reads, at most, in each of the two tables. */
const SCANNED_MAX = 10_000;
/** Ids are made by many clocks; their instants are at least this exact. */
const CLOCKS_APART_MS = 600_000;

/** Runs that went wrong are few, and have an index. */
function hasIndex(state: RunState): boolean {
  return ENDED.has(state) && state !== 'succeeded';
}

/** The part that an index finds: (tenant, id) or (schedule, id). */
function inIndex({ tenantId, scheduleId, beforeId, createdAfter, createdBefore }: RunPage) {
  const first = createdAfter && firstIdOf(createdAfter.getTime() - CLOCKS_APART_MS);
  const last = createdBefore && firstIdOf(createdBefore.getTime() + CLOCKS_APART_MS);
  return sql`tenant_id = ${tenantId}
         and (${scheduleId}::uuid is null or schedule_id = ${scheduleId}::uuid)
         and (${beforeId}::uuid is null or id < ${beforeId}::uuid)
         and (${first}::uuid is null or id >= ${first}::uuid)
         and (${last}::uuid is null or id < ${last}::uuid)`;
}

/** The part that is filtered row by row. */
function picked({ queue, jobType, tag, createdAfter, createdBefore }: RunPage) {
  return sql`(${queue}::text is null or queue = ${queue}::text)
         and (${jobType}::text is null or job_type = ${jobType}::text)
         and (${tag}::text is null or tags @> array[${tag}::text])
         and (${createdAfter}::timestamptz is null or created_at >= ${createdAfter}::timestamptz)
         and (${createdBefore}::timestamptz is null or created_at < ${createdBefore}::timestamptz)`;
}

/** Skips a table that holds no run of this state; and finds runs that went wrong by their index. */
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

/** One run, wherever it is. Unlike a list it searches one holder, not the holders of everything that is held. */
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

/**
 * Which of these runs are over, and how long the server worked for the answer: without our own wait for a connection.
 */
export async function finishedAmong(
  db: Database,
  ids: readonly RunId[],
): Promise<{ ended: RunId[]; tookMs: number }> {
  const { rows } = await sql<{ ended: RunId[]; tookMs: number }>`
    select coalesce(array_agg(asked.id::text) filter (where r.id is null), '{}') as ended,
           extract(epoch from clock_timestamp() - statement_timestamp())::float8 * 1000 as "tookMs"
      from unnest(${[...ids]}::uuid[]) as asked (id)
      left join lateral (select id from carillon.run r where r.id = asked.id limit 1) r on true`.execute(db);
  return rows[0] ?? { ended: [], tookMs: 0 };
}
