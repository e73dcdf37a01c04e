// Reads the ledger. Its rows answer "was any due time lost or doubled between A and B?" and "why did it not run?".
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { FireOutcome } from '#database/tables/schedule-schema.js';
import type { RunId, ScheduleId, Term } from '#kernel/ids.js';

export interface Fire {
  /** Of several folded into one, the newest. */
  dueAt: Date;
  firstDueAt: Date;
  count: number;
  outcome: FireOutcome;
  reason: string | null;
  runId: RunId | null;
  /** The leader's, which decided it. */
  term: Term;
  plannedAt: Date;
  startedAt: Date | null;
  /** By how much its run starts later than it is due; null for at once. */
  jitterMs: number | null;
}

export interface FirePage {
  scheduleId: ScheduleId;
  /** Inclusive. */
  from: Date | null;
  /** Exclusive; the end of the page before this one. */
  before: Date | null;
  /** Null for any. */
  outcome: FireOutcome | null;
  /** Whether neighbours without a run, of one outcome and reason, are shown as one. */
  isFolded: boolean;
  limit: number;
}

/** How many rows one page looks at for those with the outcome that is wanted, or to fold them. */
const FIRES_LOOKED_AT = 10_000;

/** Newest due time first. With an outcome, or folded, those among the first `FIRES_LOOKED_AT` of the span. */
export async function listFires(
  db: Database,
  { outcome, isFolded, limit, ...span }: FirePage,
): Promise<Fire[]> {
  if (isFolded) return foldedFires(db, { ...span, outcome, limit });
  const looked = firesIn(db, { ...span, limit: outcome === null ? limit : FIRES_LOOKED_AT });
  if (outcome === null) return looked.execute();
  return db
    .selectFrom(looked.as('looked'))
    .selectAll()
    .where('outcome', '=', outcome)
    .orderBy('dueAt', 'desc')
    .limit(limit)
    .execute();
}

/** The due time of the last row that a page with an outcome looks at; null when it looks at all of the span. */
export async function lookedUntil(
  db: Database,
  span: Pick<FirePage, 'scheduleId' | 'from' | 'before'>,
): Promise<Date | null> {
  const last = await firesIn(db, { ...span, limit: 1 })
    .offset(FIRES_LOOKED_AT - 1)
    .executeTakeFirst();
  return last?.dueAt ?? null;
}

/** Rows with a run stand alone. Neighbours are told by how far their place in all differs from that among their like. */
async function foldedFires(
  db: Database,
  { outcome, limit, ...span }: Omit<FirePage, 'isFolded'>,
): Promise<Fire[]> {
  const looked = firesIn(db, { ...span, limit: FIRES_LOOKED_AT });
  const { rows } = await sql<Fire>`
    with looked as materialized (${looked}),
    placed as (
      select *, row_number() over (order by "dueAt" desc)
              - row_number() over (partition by outcome, reason, "runId" order by "dueAt" desc) as island
        from looked)
    select max("dueAt") as "dueAt", min("dueAt") as "firstDueAt", count(*)::int as count, outcome, reason, "runId",
           max(term) as term, max("plannedAt") as "plannedAt", max("startedAt") as "startedAt"
      from placed
     where ${outcome}::text is null or outcome = ${outcome}
     group by outcome, reason, "runId", island
     order by "dueAt" desc
     limit ${limit}`.execute(db);
  return rows;
}

function firesIn(db: Database, { scheduleId, from, before, limit }: Omit<FirePage, 'outcome' | 'isFolded'>) {
  return db
    .selectFrom('fire')
    .select([
      'due_at as dueAt',
      'due_at as firstDueAt',
      sql<number>`1`.as('count'),
      'outcome',
      'reason',
      'run_id as runId',
      'term',
      'planned_at as plannedAt',
      'started_at as startedAt',
      'jitter_ms as jitterMs',
    ])
    .where('schedule_id', '=', scheduleId)
    .$if(from !== null, (query) => query.where('due_at', '>=', from ?? new Date(0)))
    .$if(before !== null, (query) => query.where('due_at', '<', before ?? new Date(0)))
    .orderBy('due_at', 'desc')
    .limit(limit);
}

/** Whether the instant lies among due times that were left behind and are not decided yet. */
export async function isLeftBehind(
  db: Database,
  { scheduleId, at }: { scheduleId: ScheduleId; at: Date },
): Promise<boolean> {
  const gap = await db
    .selectFrom('schedule_gap')
    .select('id')
    .where('schedule_id', '=', scheduleId)
    .where('from_at', '<=', at)
    .where('to_at', '>', at)
    .limit(1)
    .executeTakeFirst();
  return gap !== undefined;
}
