// Reads the ledger. Its rows answer "was any due time lost or doubled between A and B?" and "why did it not run?".
import type { Database } from '#database/connection.js';
import type { FireOutcome } from '#database/tables/schedule-schema.js';
import type { RunId, ScheduleId, TenantId, Term } from '#kernel/ids.js';

export interface Fire {
  dueAt: Date;
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
  limit: number;
}

/** How many rows one page looks at for those with the outcome that is wanted. */
const FIRES_LOOKED_AT = 10_000;

/** Newest due time first. With an outcome, those among the first `FIRES_LOOKED_AT` of the span. */
export async function listFires(db: Database, { outcome, limit, ...span }: FirePage): Promise<Fire[]> {
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

function firesIn(db: Database, { scheduleId, from, before, limit }: Omit<FirePage, 'outcome'>) {
  return db
    .selectFrom('fire')
    .select([
      'due_at as dueAt',
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

/** Whether the tenant has or had a schedule of this id: only the ledger knows a deleted one. */
export async function hasLedger(
  db: Database,
  { tenantId, scheduleId }: { tenantId: TenantId; scheduleId: ScheduleId },
): Promise<boolean> {
  const found = await db
    .selectFrom('fire')
    .select('due_at')
    .where('schedule_id', '=', scheduleId)
    .where('tenant_id', '=', tenantId)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}
