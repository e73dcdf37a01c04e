// Gaps: due times that no leader planned in time and that never run. The leader, or a change of the schedule, leaves a
// gap in the transaction that moves the schedule's next due time past it. Later transactions find the gap and write its
// decisions, a bounded number of fires at a time, so that a leader may die between any two of them.
import { sql } from 'kysely';
import { plainArray } from '#database/array-text.js';
import type { Database, Tx } from '#database/connection.js';
import type { ScheduleId, TenantId, Term } from '#kernel/ids.js';
import type { Gap, PlannedFire } from '#scheduling/decisions/planning.js';
import type { ScheduleState } from '#scheduling/decisions/schedule-state.js';
import type { Standing } from '#scheduling/decisions/standing.js';
import type { WrittenPlan } from './planning.repository.js';
import { pausedUntilOf, suspensionOf } from '#scheduling/stored-suspension.js';

/**
 * Leaves the gaps of these plans behind, each only if its schedule is unchanged since it was read. Locks the schedules:
 * the next statement of the transaction moves their next due times and finds the same ones unchanged. So the past of a
 * schedule is always either ahead of its next due time, or in a gap, or in the ledger (I1).
 */
export async function leaveGaps(tx: Tx, plans: readonly WrittenPlan[]): Promise<void> {
  const behind = plans.flatMap(({ schedule, gap }) => (gap === null ? [] : [{ schedule, gap }]));
  if (behind.length === 0) return;
  const ids = plainArray(behind.map(({ schedule }) => schedule.id));
  await sql`
    insert into carillon.schedule_gap (schedule_id, tenant_id, spec, state, paused_until, suspended_at, resumed_at, from_at, to_at, outcome, reason)
    select s.id, s.tenant_id, carillon.spec_of_gap(s.id, s.spec, g.from_at, g.to_at), s.state, s.paused_until, t.suspended_at, t.resumed_at, g.from_at, g.to_at, g.outcome, g.reason
      from unnest(${ids}::uuid[],
                  ${plainArray(behind.map(({ gap }) => gap.from.toISOString()))}::timestamptz[],
                  ${plainArray(behind.map(({ gap }) => gap.to.toISOString()))}::timestamptz[],
                  ${plainArray(behind.map(({ schedule }) => schedule.revision))}::bigint[],
                  ${plainArray(behind.map(({ gap }) => gap.outcome))}::text[],
                  ${behind.map(({ gap }) => gap.reason)}::text[]) as g (id, from_at, to_at, revision, outcome, reason)
      join carillon.schedule s on s.id = g.id and date_trunc('milliseconds', s.next_due_at) = g.from_at and s.revision = g.revision
     cross join lateral (select suspended_at, resumed_at from carillon.tenant where id = s.tenant_id limit 1) t
     where s.id = any(${ids}::uuid[])
       for no key update of s`.execute(tx);
}

/**
 * Leaves a schedule's due times up to now behind, before a change ends them: the caller holds the row's lock. A due
 * time that has its row in the ledger keeps it.
 */
export async function leaveGap(
  tx: Tx,
  { scheduleId, from, to, outcome, reason }: Gap & { scheduleId: ScheduleId },
): Promise<void> {
  await sql`
    insert into carillon.schedule_gap (schedule_id, tenant_id, spec, state, paused_until, suspended_at, resumed_at, from_at, to_at, outcome, reason)
    select s.id, s.tenant_id, carillon.spec_of_gap(s.id, s.spec, g.from_at, g.to_at), s.state, s.paused_until, t.suspended_at, t.resumed_at, g.from_at, g.to_at, ${outcome}, ${reason}
      from (select ${from}::timestamptz as from_at, ${to}::timestamptz as to_at) g
      join carillon.schedule s on s.id = ${scheduleId}
      join carillon.tenant t on t.id = s.tenant_id`.execute(tx);
}

export interface StoredGap extends Gap, Standing {
  id: string;
  scheduleId: ScheduleId;
  tenantId: TenantId;
  storedSpec: unknown;
}

/**
 * The gaps that reach back the farthest. One that another change left earlier over the same time is decided before, as its
 * schedule stood then: so a later change, which may go back behind it, does not change the past.
 */
export async function findGaps(
  db: Database,
  { limit, except }: { limit: number; except: readonly string[] },
): Promise<StoredGap[]> {
  const { rows } = await sql<GapRow>`
    select id::text as id, schedule_id as "scheduleId", tenant_id as "tenantId", spec, state, outcome, reason, date_part('epoch', from_at) * 1000 as "fromMs", date_part('epoch', to_at) * 1000 as "toMs",
           date_part('epoch', paused_until) * 1000 as "pausedUntilMs",
           date_part('epoch', suspended_at) * 1000 as "suspendedMs", date_part('epoch', resumed_at) * 1000 as "resumedMs"
      from carillon.schedule_gap g
     where id <> all(${plainArray(except)}::bigint[])
       and not exists (select from carillon.schedule_gap former
                        where former.schedule_id = g.schedule_id and former.id < g.id and former.from_at < g.to_at and former.to_at > g.from_at
                          and former.id <> all(${plainArray(except)}::bigint[]))
     order by from_at, id
     limit ${limit}`.execute(db);
  return rows.map(({ id, scheduleId, tenantId, spec, state, outcome, reason, fromMs, toMs, ...row }) => ({
    id,
    scheduleId,
    tenantId,
    storedSpec: spec,
    state,
    outcome,
    reason,
    pausedUntil: pausedUntilOf(row),
    suspension: suspensionOf(row),
    from: new Date(Math.round(fromMs)),
    to: new Date(Math.round(toMs)),
  }));
}

interface GapRow {
  id: string;
  scheduleId: ScheduleId;
  tenantId: TenantId;
  spec: unknown;
  state: ScheduleState;
  outcome: Gap['outcome'];
  reason: string;
  fromMs: number;
  toMs: number;
  pausedUntilMs: number | null;
  suspendedMs: number | null;
  resumedMs: number | null;
}

export interface WrittenGap {
  gap: Pick<StoredGap, 'id' | 'from'>;
  fires: readonly PlannedFire[];
  /** Null when nothing of it is left. */
  restFrom: Date | null;
}

/**
 * Writes the decisions about gaps, each only if no other leader has continued it meanwhile, shortens the gaps, and
 * deletes empty ones. I1: a due time that already has its row keeps it.
 */
export async function writeGaps(
  tx: Tx,
  { term, gaps }: { term: Term; gaps: readonly WrittenGap[] },
): Promise<void> {
  const ids = plainArray(gaps.map(({ gap }) => gap.id));
  const fires = gaps.flatMap((gap, index) => gap.fires.map((fire) => ({ ...fire, gap: index + 1 })));
  await sql`
    with asked as materialized (
      select *
        from unnest(${ids}::bigint[],
                    ${plainArray(gaps.map(({ gap }) => gap.from.toISOString()))}::timestamptz[],
                    ${plainArray(gaps.map(({ restFrom }) => restFrom?.toISOString() ?? null))}::timestamptz[])
             with ordinality as a (id, from_at, rest_from, number)),
    shortened as (
      update carillon.schedule_gap g set from_at = a.rest_from
        from asked a
       where g.id = any(${ids}::bigint[]) and g.id = a.id and g.from_at = a.from_at and a.rest_from is not null
      returning a.number, g.schedule_id, g.tenant_id),
    closed as (
      delete from carillon.schedule_gap g using asked a
       where g.id = any(${ids}::bigint[]) and g.id = a.id and g.from_at = a.from_at and a.rest_from is null
      returning a.number, g.schedule_id, g.tenant_id)
    insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, reason, term)
    select g.schedule_id, f.due_at, g.tenant_id, f.outcome, f.reason, ${term}
      from unnest(${plainArray(fires.map((fire) => fire.gap))}::bigint[],
                  ${plainArray(fires.map((fire) => fire.dueAt.toISOString()))}::timestamptz[],
                  ${plainArray(fires.map((fire) => fire.outcome))}::text[],
                  ${fires.map((fire) => fire.reason)}::text[]) as f (number, due_at, outcome, reason)
      join (select * from shortened union all select * from closed) g on g.number = f.number
    on conflict (schedule_id, due_at) do nothing`.execute(tx);
}
