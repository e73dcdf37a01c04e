// What an audit of a schedule looks at: what the schedule said and since when, its rows of the ledger, what it left
// behind, and due times that have more than one run. All of it as of one instant, since edits and planning go on.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import type { ScheduleId } from '#kernel/ids.js';
import { readSpec } from '#scheduling/stored-spec.js';
import type { AuditInput } from './decisions/audit.js';
import type { Span, Stretch } from './decisions/walk.js';

/** A schedule keeps a thousand revisions, of which each may have had another spec of up to 1,000 instants. */
const STRETCHES_MAX = 200;
/** A run is planned minutes before it is due, and its id says when by its leader's clock. */
export const CLOCKS_DIFFER_MS = 86_400_000;
export const RUNS_LOOKED_AT = 50_000;

export interface AuditedPast extends Omit<AuditInput, 'dueTimes' | 'unanswered'> {
  /** All rows before it are there; null for all of the span. */
  firesEndAt: Date | null;
}

/** The transaction sees one instant. */
export async function readPast(
  tx: Tx,
  { scheduleId, from, to, limit }: Span & { scheduleId: ScheduleId; limit: number },
): Promise<AuditedPast> {
  const { stretches, nextDueAt } = await readStretches(tx, { scheduleId, to });
  const fires = await readFires(tx, { scheduleId, from, to, limit: limit + 1 });
  return {
    stretches,
    nextDueAt,
    fires: fires.slice(0, limit),
    firesEndAt: fires[limit]?.dueAt ?? null,
    gaps: await readGaps(tx, { scheduleId, from, to }),
    doubled: await readDoubled(tx, { scheduleId, from, to }),
  };
}

interface StretchRow {
  spec: unknown;
  since: Date;
  deletedAt: Date | null;
  nextDueAt: Date | null;
}

async function readStretches(
  tx: Tx,
  { scheduleId, to }: { scheduleId: ScheduleId; to: Date },
): Promise<Pick<AuditInput, 'stretches' | 'nextDueAt'>> {
  const { rows } = await sql<StretchRow>`
    with said as (
      select revision, spec, coalesce(spec_since, created_at) as since, null::timestamptz as "deletedAt", next_due_at as "nextDueAt"
        from carillon.schedule where id = ${scheduleId}
       union all
      select r.revision, s.spec, coalesce(s.spec_since, s.created_at), case when r.is_deleted then r.ended_at end, null
        from carillon.schedule_revision r
       cross join lateral jsonb_populate_record(null::carillon.schedule, r.said) s
       where r.schedule_id = ${scheduleId})
    select spec, since, "deletedAt", "nextDueAt"
      from (select distinct on (since) * from said order by since desc, revision desc) last
     order by since desc
     limit ${STRETCHES_MAX}`.execute(tx);
  const stretches = rows.map(({ spec, since, deletedAt }, index): Stretch => {
    const until = rows[index - 1]?.since ?? deletedAt;
    return { spec: readSpec(spec), since, until };
  });
  return {
    stretches: stretches.toReversed().filter(({ since }) => since < to),
    nextDueAt: rows[0]?.nextDueAt ?? null,
  };
}

async function readFires(
  tx: Tx,
  { scheduleId, from, to, limit }: Span & { scheduleId: ScheduleId; limit: number },
): Promise<AuditInput['fires']> {
  return tx
    .selectFrom('fire')
    .select(['due_at as dueAt', 'outcome', 'reason'])
    .where('schedule_id', '=', scheduleId)
    .where('due_at', '>=', from)
    .where('due_at', '<', to)
    .orderBy('due_at')
    .limit(limit)
    .execute();
}

async function readGaps(
  tx: Tx,
  { scheduleId, from, to }: Span & { scheduleId: ScheduleId },
): Promise<AuditInput['gaps']> {
  return tx
    .selectFrom('schedule_gap')
    .select(['from_at as from', 'to_at as to'])
    .where('schedule_id', '=', scheduleId)
    .where('to_at', '>', from)
    .where('from_at', '<', to)
    .execute();
}

/** A run that ended before it began leaves its due time to the run of a backfill. */
async function readDoubled(
  tx: Tx,
  { scheduleId, from, to }: Span & { scheduleId: ScheduleId },
): Promise<AuditInput['doubled']> {
  const plannedFrom = new Date(from.getTime() - CLOCKS_DIFFER_MS);
  const { rows } = await sql<{ dueAt: Date }>`
    select due_at as "dueAt"
      from (select id, due_at from carillon.run where schedule_id = ${scheduleId}
             union
            (select id, due_at from carillon.run_history
              where schedule_id = ${scheduleId} and id >= ${firstIdOf(plannedFrom)}::uuid and started_at is not null
              order by id
              limit ${RUNS_LOOKED_AT})) runs
     where due_at >= ${from} and due_at < ${to}
     group by due_at
    having count(*) > 1
     order by due_at`.execute(tx);
  return rows.map(({ dueAt }) => dueAt);
}

/** The first UUID of version 7 of a millisecond (RFC 9562). */
export function firstIdOf(at: Date): string {
  const hex = Math.max(0, at.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
