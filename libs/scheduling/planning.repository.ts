// Which statements plan due times? All run in one leader transaction per batch, in this order: advance,
// then ledger, then runs; only what the compare-and-set of the first has won is written by the others.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { RunId, ScheduleId, Slot, TenantId, Term } from '#kernel/ids.js';
import type { ScheduleSpec } from './decisions/due-times.js';
import type { PlannedFire } from './decisions/planning.js';
import type { ScheduleState } from './decisions/schedule-state.js';
import { parseSpec } from './stored-spec.js';

export interface DueSchedule {
  id: ScheduleId;
  tenantId: TenantId;
  slot: Slot;
  jobType: string;
  spec: ScheduleSpec;
  payload: unknown;
  state: ScheduleState;
  nextDueAt: Date;
  revision: number;
}

/** The schedules due until `lookAheadMs` from now, by the database's clock: one range scan, soonest first. */
export async function findDueSchedules(
  db: Database,
  { lookAheadMs, limit }: { lookAheadMs: number; limit: number },
): Promise<(DueSchedule & { now: Date })[]> {
  const { rows } = await sql<DueSchedule & { now: Date; spec: unknown }>`
    select now() as now, id, tenant_id as "tenantId", slot, job_type as "jobType", spec, payload, state,
           next_due_at as "nextDueAt", revision
      from carillon.schedule
     where next_due_at <= now() + make_interval(secs => ${lookAheadMs / 1000}::float8)
     order by next_due_at
     limit ${limit}`.execute(db);
  return rows.map((row) => ({ ...row, spec: parseSpec(row.spec) }));
}

export interface Advance {
  id: ScheduleId;
  from: Date;
  to: Date | null;
  revision: number;
}

/** Moves next due times on, each only if nobody changed the schedule meanwhile; resolves with those that moved. */
export async function advanceSchedules(tx: Tx, advances: readonly Advance[]): Promise<Set<ScheduleId>> {
  const { rows } = await sql<{ id: ScheduleId }>`
    update carillon.schedule s
       set next_due_at = a.due_to
      from unnest(${advances.map((advance) => advance.id)}::uuid[],
                  ${advances.map((advance) => advance.from)}::timestamptz[],
                  ${advances.map((advance) => advance.to)}::timestamptz[],
                  ${advances.map((advance) => advance.revision)}::bigint[]) as a (id, due_from, due_to, revision)
     where s.id = a.id and s.next_due_at = a.due_from and s.revision = a.revision
    returning s.id`.execute(tx);
  return new Set(rows.map((row) => row.id));
}

export interface NewFire extends PlannedFire {
  scheduleId: ScheduleId;
  tenantId: TenantId;
  runId: RunId | null;
}

/** I1: a due time that already has its row keeps it, and gets no second run; resolves with the runs that are new. */
export async function insertFires(
  tx: Tx,
  { term, fires }: { term: Term; fires: readonly NewFire[] },
): Promise<Set<RunId>> {
  const { rows } = await sql<{ runId: RunId | null }>`
    insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, reason, run_id, term)
    select f.schedule_id, f.due_at, f.tenant_id, f.outcome, f.reason, f.run_id, ${term}
      from unnest(${fires.map((fire) => fire.scheduleId)}::uuid[],
                  ${fires.map((fire) => fire.dueAt)}::timestamptz[],
                  ${fires.map((fire) => fire.tenantId)}::uuid[],
                  ${fires.map((fire) => fire.outcome)}::text[],
                  ${fires.map((fire) => fire.reason)}::text[],
                  ${fires.map((fire) => fire.runId)}::uuid[]) as f (schedule_id, due_at, tenant_id, outcome, reason, run_id)
    on conflict (schedule_id, due_at) do nothing
    returning run_id as "runId"`.execute(tx);
  return new Set(rows.flatMap((row) => (row.runId === null ? [] : [row.runId])));
}

export interface PlannedRun {
  id: RunId;
  tenantId: TenantId;
  slot: Slot;
  jobType: string;
  scheduleId: ScheduleId;
  dueAt: Date;
  payload: unknown;
}

export async function insertPlannedRuns(tx: Tx, runs: readonly PlannedRun[]): Promise<void> {
  await sql`
    insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at, payload, run_at)
    select r.id, r.tenant_id, r.slot, r.job_type, r.schedule_id, r.due_at, r.payload::jsonb, r.due_at
      from unnest(${runs.map((run) => run.id)}::uuid[],
                  ${runs.map((run) => run.tenantId)}::uuid[],
                  ${runs.map((run) => run.slot)}::smallint[],
                  ${runs.map((run) => run.jobType)}::text[],
                  ${runs.map((run) => run.scheduleId)}::uuid[],
                  ${runs.map((run) => run.dueAt)}::timestamptz[],
                  ${runs.map((run) => JSON.stringify(run.payload))}::text[])
        as r (id, tenant_id, slot, job_type, schedule_id, due_at, payload)`.execute(tx);
}
