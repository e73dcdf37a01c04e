// The lines that attempts log. Lines are not fenced by claims, since those of a lost attempt are worth reading, too;
// each names its attempt and its replica.
import { sql } from 'kysely';
import type { LogLevel } from '#client/jobs/job-definition.js';
import { RUN_LOG_LOCK } from '#database/advisory-locks.js';
import type { Database } from '#database/connection.js';
import { PAGE_BYTES_MAX } from '#database/fitting-page.repository.js';
import type { ReplicaNumber, RunId } from '#kernel/ids.js';
import { EMPTY_LOG, LOG_FULL, type LogTally } from './decisions/log-bounds.js';

export interface NewLogLine {
  runId: RunId;
  at: Date;
  attempt: number;
  replica: ReplicaNumber | null;
  level: LogLevel;
  message: string;
  fieldsJson: string | null;
}

/**
 * A reader may ask while replicas write lines. One that continues after the last number that it has seen misses no line,
 * because lines get their numbers one batch after the other, and each batch is committed before the next begins.
 */
export async function insertLogLines(db: Database, lines: readonly NewLogLine[]): Promise<void> {
  await sql`
    with turn as materialized (select pg_advisory_xact_lock(${RUN_LOG_LOCK}, 0))
    insert into carillon.run_log (run_id, seq, at, attempt, replica, level, message, fields)
    select l.run_id, nextval('carillon.run_log_seq'), l.at, l.attempt, l.replica, l.level, l.message, l.fields::jsonb
      from turn
     cross join unnest(${lines.map((line) => line.runId)}::uuid[],
                       ${lines.map((line) => line.at)}::timestamptz[],
                       ${lines.map((line) => line.attempt)}::int[],
                       ${lines.map((line) => line.replica)}::int[],
                       ${lines.map((line) => line.level)}::text[],
                       ${lines.map((line) => line.message)}::text[],
                       ${lines.map((line) => line.fieldsJson)}::text[]) as l (run_id, at, attempt, replica, level, message, fields)`.execute(
    db,
  );
}

/** How many lines and bytes the logs of these runs hold, each at most a little more than a full log. */
export async function tallyLogs(db: Database, runIds: readonly RunId[]): Promise<Map<RunId, LogTally>> {
  const { rows } = await sql<{ runId: RunId } & LogTally>`
    select run_id as "runId", count(*)::int as lines,
           sum(octet_length(message) + coalesce(octet_length(fields::text), 0))::int as bytes,
           bool_or(message = ${LOG_FULL}) as "isFull"
      from carillon.run_log
     where run_id = any(${[...runIds]}::uuid[])
     group by run_id`.execute(db);
  const known = new Map(rows.map(({ runId, ...tally }) => [runId, tally]));
  return new Map(runIds.map((runId) => [runId, known.get(runId) ?? EMPTY_LOG]));
}

export interface LogLine {
  seq: number;
  at: Date;
  attempt: number;
  replica: ReplicaNumber | null;
  level: LogLevel;
  message: string;
  fields: object | null;
}

export interface LogPage {
  runId: RunId;
  /** When the run was created: older partitions are not read. */
  since: Date;
  /** Exclusive. */
  after: number;
  limit: number;
}

/** In the order of their numbers. */
export async function listLogLines(db: Database, page: LogPage): Promise<LogLine[]> {
  return db
    .selectFrom('run_log')
    .select(['seq', 'at', 'attempt', 'replica', 'level', 'message', 'fields'])
    .where('run_id', '=', page.runId)
    .where('seq', '>', page.after)
    .where('at', '>=', sql<Date>`${page.since}::timestamptz - interval '1 hour'`)
    .orderBy('seq')
    .limit(page.limit)
    .execute();
}

/**
 * The next lines of several logs at once, for clients that follow them: of each log at most so many, and of all
 * together as many as a page may have bytes. No log waits for the rest of another: all first lines come before all
 * second ones. `isCut` when there are lines beyond the bytes.
 */
export async function listNextLogLines(
  db: Database,
  followed: readonly Omit<LogPage, 'limit'>[],
  limit: number,
): Promise<{ lines: (LogLine & { runId: RunId })[]; isCut: boolean }> {
  const { rows } = await sql<LogLine & { runId: RunId; found: number }>`
    select n.run_id as "runId", n.seq, n.at, n.attempt, n.replica, n.level, n.message, n.fields, n.found
      from (select f.run_id, l.*, count(*) over ()::float8 as found,
                   sum(l.bytes) over (order by l.place, f.run_id) - l.bytes as bytes_before
              from unnest(${followed.map(({ runId }) => runId)}::uuid[],
                          ${followed.map(({ after }) => after)}::bigint[],
                          ${followed.map(({ since }) => since)}::timestamptz[]) as f (run_id, after, since)
             cross join lateral (
               select seq, at, attempt, replica, level, message, fields, row_number() over (order by seq) as place,
                      octet_length(message) + coalesce(octet_length(fields::text), 0) as bytes
                 from carillon.run_log
                where run_id = f.run_id and seq > f.after and at >= f.since - interval '1 hour'
                order by seq
                limit ${limit}) l) n
     where n.bytes_before < ${PAGE_BYTES_MAX}
     order by n.run_id, n.seq`.execute(db);
  return {
    isCut: rows.length < (rows[0]?.found ?? 0),
    lines: rows.map(({ found: _found, ...line }) => line),
  };
}
