// Plans due times. Some statements find schedules that are due soon. One writes the decisions about a batch of them in
// one leader transaction: next due times, fires and runs. Due times that passed in an outage are left as gaps
// (gap.repository.ts).
import { sql, type RawBuilder } from 'kysely';
import { plainArray } from '#database/array-text.js';
import type { Database, Tx } from '#database/connection.js';
import type { RunId, ScheduleId, Slot, TenantId, Term } from '#kernel/ids.js';
import { CATCH_UP, type Gap, type PlannedFire } from '#scheduling/decisions/planning.js';
import type { ScheduleState } from '#scheduling/decisions/schedule-state.js';
import type { Standing } from '#scheduling/decisions/standing.js';
import { pausedUntilOf, suspensionOf } from '#scheduling/stored-suspension.js';

/** The parts of a schedule that a decision needs; those that only its runs need never leave the database. */
export interface DueSchedule extends Standing {
  id: ScheduleId;
  tenantId: TenantId;
  /** How many unfinished runs its tenant may have; null for any number. */
  maxQueued: number | null;
  /** As they are stored: what can't be read must not hold up the others. */
  storedSpec: unknown;
  storedCatchUp: unknown;
  nextDueAt: Date;
  revision: number;
}

export interface DueSchedules {
  now: Date;
  /** Due ahead, or no longer ago than the grace, the soonest first. */
  present: DueSchedule[];
  /** Left behind for longer than that, the longest first. */
  past: DueSchedule[];
}

export interface DueQuery {
  lookAheadMs: number;
  graceMs: number;
  limit: number;
  /** How many of the past: they come beside the present and never instead of it. */
  pastLimit: number;
  /** Leaves these out. */
  except: readonly ScheduleId[];
  /** For these tenants, only schedules that are due already. */
  full: readonly TenantId[];
  /** Null for all tenants. */
  tenants: { only: readonly TenantId[] } | { but: readonly TenantId[] } | null;
}

function among(tenants: DueQuery['tenants']): RawBuilder<unknown> {
  if (tenants === null) return sql``;
  return 'only' in tenants
    ? sql` and s.tenant_id = any(${plainArray(tenants.only)}::uuid[])`
    : sql` and s.tenant_id <> all(${plainArray(tenants.but)}::uuid[])`;
}

/**
 * The schedules to decide about, by the database's clock: those due until `lookAheadMs` from now. A schedule that is
 * paused then, or whose tenant is suspended or full, is not planned ahead: it counts once it is due. Two range scans of
 * one index.
 */
export async function findDueSchedules(
  db: Database,
  { lookAheadMs, graceMs, limit, pastLimit, except, full, tenants }: DueQuery,
): Promise<DueSchedules> {
  const oldest = sql`now() - make_interval(secs => ${graceMs / 1000}::float8)`;
  const columns = sql`s.id, s.tenant_id, s.spec, s.catch_up, s.state, s.paused_until, s.revision, s.next_due_at, t.suspended_at, t.resumed_at, t.limits`;
  // With a limit, so that it is one index look-up each: joined freely, all tenants are read.
  const tenant = sql`cross join lateral (select state, suspended_at, resumed_at, limits from carillon.tenant where id = s.tenant_id limit 1) t`;
  // Instants as numbers: reading their texts takes longer than everything else about a row. A next due time written by
  // hand, to the microsecond, is due at its millisecond, which is all that replicas know.
  const { rows } = await sql<DueRow>`
    select date_part('epoch', now()) * 1000 as "nowMs", due.id, due.spec, due.catch_up as "catchUp", due.state, due.revision, due.is_past as "isPast",
           due.tenant_id as "tenantId", due.limits -> 'maxQueued' as "maxQueued",
           date_part('epoch', date_trunc('milliseconds', due.next_due_at)) * 1000 as "nextDueMs",
           date_part('epoch', due.paused_until) * 1000 as "pausedUntilMs",
           date_part('epoch', due.suspended_at) * 1000 as "suspendedMs", date_part('epoch', due.resumed_at) * 1000 as "resumedMs"
      from (
        (select ${columns}, false as is_past
           from carillon.schedule s ${tenant}
          where s.next_due_at >= ${oldest}
            and s.next_due_at <= now() + make_interval(secs => ${lookAheadMs / 1000}::float8)
            and ((s.state = 'active' or s.paused_until <= s.next_due_at) and t.state = 'active' and s.tenant_id <> all(${plainArray(full)}::uuid[]) or s.next_due_at <= now())
            and s.id <> all(${plainArray(except)}::uuid[])${among(tenants)}
          order by s.next_due_at
          limit ${limit})
         union all
        (select ${columns}, true
           from carillon.schedule s ${tenant}
          where s.next_due_at < ${oldest} and s.id <> all(${plainArray(except)}::uuid[])${among(tenants)}
          order by s.next_due_at
          limit ${pastLimit})) due`.execute(db);
  const found: DueSchedules = { now: new Date(rows[0]?.nowMs ?? 0), present: [], past: [] };
  for (const { spec, catchUp, nextDueMs, isPast, ...row } of rows) {
    const { id, tenantId, state, revision, maxQueued } = row;
    const schedule = {
      id,
      tenantId,
      state,
      revision,
      storedSpec: spec,
      storedCatchUp: catchUp,
      nextDueAt: new Date(Math.round(nextDueMs)),
      pausedUntil: pausedUntilOf(row),
      suspension: suspensionOf(row),
      maxQueued: typeof maxQueued === 'number' ? maxQueued : null,
    };
    (isPast ? found.past : found.present).push(schedule);
  }
  return found;
}

interface DueRow {
  id: ScheduleId;
  tenantId: TenantId;
  /** As it is stored. */
  maxQueued: unknown;
  spec: unknown;
  catchUp: unknown;
  state: ScheduleState;
  revision: number;
  isPast: boolean;
  nowMs: number;
  nextDueMs: number;
  pausedUntilMs: number | null;
  suspendedMs: number | null;
  resumedMs: number | null;
}

/** How many schedules are due until `lookAheadMs` from now, up to a limit; from the index alone. */
export async function countDueSchedules(
  db: Database,
  { lookAheadMs, limit }: { lookAheadMs: number; limit: number },
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count
      from (select 1 from carillon.schedule
             where next_due_at <= now() + make_interval(secs => ${lookAheadMs / 1000}::float8)
             limit ${limit}) due`.execute(db);
  return rows[0]?.count ?? 0;
}

/** How many unfinished runs each tenant has, counted no further than its limit. */
export async function countRunsOf(
  db: Database,
  tenants: readonly { id: TenantId; maxQueued: number }[],
): Promise<{ id: TenantId; count: number }[]> {
  const { rows } = await sql<{ id: TenantId; count: number }>`
    select t.id, carillon.count_runs(t.id, t.max_queued) as count
      from unnest(${plainArray(tenants.map(({ id }) => id))}::uuid[],
                  ${plainArray(tenants.map(({ maxQueued }) => maxQueued))}::integer[]) as t (id, max_queued)`.execute(
    db,
  );
  return rows;
}

export interface WrittenPlan {
  schedule: Pick<DueSchedule, 'id' | 'nextDueAt' | 'revision'>;
  fires: readonly NewFire[];
  gap: Gap | null;
  /** Null when the schedule will never be due again. */
  nextDueAt: Date | null;
}

export interface NewFire extends PlannedFire {
  /** The id of the run of a planned fire. */
  runId: RunId | null;
}

/**
 * Moves next due times on, each only if no request changed the schedule meanwhile, and writes the fires of those that
 * moved, with a run for each planned one, which starts when it is due, or the schedule's jitter later. Those that catch up
 * come behind what is due now, in the order of their due times. I1: a due time that already has its row keeps it, and gets
 * no second run. Resolves with the slots that have new runs due within `soonMs`.
 */
export async function writePlans(
  tx: Tx,
  { term, plans, soonMs }: { term: Term; plans: readonly WrittenPlan[]; soonMs: number },
): Promise<Slot[]> {
  const ids = plainArray(plans.map(({ schedule }) => schedule.id));
  const fires = plans.flatMap((plan, index) => plan.fires.map((fire) => ({ ...fire, plan: index + 1 })));
  // In most batches all fires are planned and without a reason: an empty array stands for one of such values.
  const areAllPlain = fires.every(({ outcome, reason }) => outcome === 'planned' && reason === null);
  const turns = areAllPlain ? [] : turnsOf(fires);
  // The keys once more by themselves, so that no plan ever hashes the whole table. Which fires are new is asked as a
  // value, which is a look into a hash: joined, the new ones were taken for a single row, and each was compared with each.
  const { rows } = await sql<{ slot: Slot }>`
    with advanced as (
      update carillon.schedule s
         set next_due_at = a.due_to
        from unnest(${ids}::uuid[],
                    ${plainArray(plans.map(({ schedule }) => schedule.nextDueAt.toISOString()))}::timestamptz[],
                    ${plainArray(plans.map(({ nextDueAt }) => nextDueAt?.toISOString() ?? null))}::timestamptz[],
                    ${plainArray(plans.map(({ schedule }) => schedule.revision))}::bigint[])
               with ordinality as a (id, due_from, due_to, revision, number)
       where s.id = any(${ids}::uuid[]) and s.id = a.id and date_trunc('milliseconds', s.next_due_at) = a.due_from and s.revision = a.revision
      returning a.number, s.id, s.tenant_id, s.slot, s.job_type, s.payload, s.queue, s.concurrency_key, s.tags, s.priority, s.deadline_seconds, s.jitter_ms, s.locks),
    wanted as materialized (
      select s.*, f.due_at, f.run_id, f.outcome, f.reason, f.turn
        from unnest(${plainArray(fires.map((fire) => fire.plan))}::bigint[],
                    ${plainArray(fires.map((fire) => fire.dueAt.toISOString()))}::timestamptz[],
                    ${plainArray(fires.map((fire) => fire.runId))}::uuid[],
                    ${plainArray(areAllPlain ? [] : fires.map((fire) => fire.outcome))}::text[],
                    ${areAllPlain ? [] : fires.map((fire) => fire.reason)}::text[],
                    ${plainArray(turns)}::integer[]) as f (number, due_at, run_id, outcome, reason, turn)
        join advanced s on s.number = f.number),
    decided as (
      insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, reason, run_id, term, jitter_ms)
      select w.id, w.due_at, w.tenant_id, coalesce(w.outcome, 'planned'), w.reason, w.run_id, ${term}, w.jitter_ms
        from wanted w
      on conflict (schedule_id, due_at) do nothing
      returning run_id),
    placed as (
      insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at, payload, run_at, queue, concurrency_key, tags, priority, deadline, locks)
      select w.run_id, w.tenant_id, w.slot, w.job_type, w.id, w.due_at, w.payload, start.run_at, coalesce(w.queue, 'default'), w.concurrency_key, w.tags,
             coalesce(w.priority, 0), greatest(start.run_at, now()) + w.deadline_seconds * interval '1 s', w.locks
        from wanted w
       cross join lateral (select w.due_at + coalesce(w.jitter_ms, 0) * interval '1 ms' as at) planned
       cross join lateral (select case when w.turn is null then planned.at
                                       else greatest(planned.at, now() + w.turn * interval '1 microsecond') end as run_at) start
       where (w.run_id in (select run_id from decided where run_id is not null)) is true
      returning slot, run_at)
    select distinct slot from placed where run_at < now() + make_interval(secs => ${soonMs / 1000}::float8)`.execute(
    tx,
  );
  return rows.map((row) => row.slot);
}

/** The place of each that catches up, in the order of their due times; null for the others. */
function turnsOf(fires: readonly NewFire[]): (number | null)[] {
  const caughtUp = fires.filter(({ reason }) => reason === CATCH_UP).toSorted((a, b) => +a.dueAt - +b.dueAt);
  const turns = new Map(caughtUp.map((fire, turn) => [fire, turn]));
  return fires.map((fire) => turns.get(fire) ?? null);
}
