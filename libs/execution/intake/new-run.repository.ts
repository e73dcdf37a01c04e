// New runs. A run is in `run` until it ends and in `run_history` afterwards, moved in one transaction, so it is always
// in exactly one of them (I5).
import { sql, type RawBuilder } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { RunId, ScheduleId, Slot, TenantId } from '#kernel/ids.js';
import type { LockWish } from '#locks/lock.js';
import { INSERTED, type RunRow } from '#execution/runs/run-row.js';
import { stillHolds, type AssumedJob } from './job-proof.js';

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
  /** Of a run that a request started for a schedule, beside its due times; only a run that comes alone may have one. */
  scheduleId?: ScheduleId | null;
  /** What it needs besides the locks of its job type; of the same runs. */
  locks?: readonly LockWish[] | null;
  /** Null means now, by the database's clock, or later by `delayMs`. */
  runAt: Date | null;
  delayMs?: number;
  deadline: Date | null;
  /** The unique key that it holds, kept so that a retried run can take it again. */
  unique?: { key: string; windowMs: number | null } | null;
}

export async function insertRun(db: Database, run: NewRun): Promise<void> {
  await insertRuns(db, [run]);
}

/** Inserts all of them or none. */
export async function insertRuns(db: Database, runs: readonly NewRun[]): Promise<void> {
  await sql`
    insert into carillon.run (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, priority, deadline, run_at,
                              unique_key, unique_window)
    select r.id, r.tenant_id, r.slot, r.job_type, r.queue, r.concurrency_key,
           case when r.tags is not null then array(select jsonb_array_elements_text(r.tags::jsonb)) end,
           r.payload::jsonb, r.priority, r.deadline, coalesce(r.run_at, clock_timestamp() + make_interval(secs => r.delay_ms / 1000)),
           r.unique_key, make_interval(secs => r.unique_window_ms / 1000)
      from ${givenRuns(runs)}`.execute(db);
}

/**
 * Inserts one run that comes alone: without unfolding arrays, and without a second read by the caller. Undefined when
 * what was `assumed` no longer holds; then nothing is inserted.
 */
export async function insertAndShowRun(
  db: Database,
  run: NewRun,
  assumed: AssumedJob | null,
): Promise<RunRow | undefined> {
  const { rows } = await sql<RunRow>`
    insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, queue, concurrency_key, tags, payload, priority, deadline, run_at, locks)
    select ${run.id}::uuid, ${run.tenantId}::uuid, ${run.slot}::smallint, ${run.jobType}, ${run.scheduleId ?? null}::uuid, ${run.queue}, ${run.concurrencyKey},
           ${run.tags.length > 0 ? [...run.tags] : null}::text[], ${JSON.stringify(run.payload)}::jsonb, ${run.priority}::smallint,
           ${run.deadline}::timestamptz,
           coalesce(${run.runAt}::timestamptz, clock_timestamp() + make_interval(secs => ${(run.delayMs ?? 0) / 1_000}::float8)),
           ${(run.locks ?? []).length === 0 ? null : JSON.stringify(run.locks)}::jsonb
     where ${assumed === null ? sql`true` : stillHolds(assumed)}
    returning ${INSERTED}`.execute(db);
  return rows[0];
}

/**
 * The runs of these that wait and have never been claimed for an attempt. The caller holds their owner's claims off.
 */
export async function findUnclaimed(tx: Tx, ids: readonly RunId[]): Promise<Set<RunId>> {
  const { rows } = await sql<{ id: RunId }>`
    with held as materialized (select unnest(run_ids) as id from carillon.claim)
    select r.id
      from carillon.run r
     where r.id = any(${[...ids]}::uuid[]) and r.attempt = 1 and r.failures = 0 and r.cancel_requested_at is null
       and not exists (select 1 from held where held.id = r.id)
       and not exists (select 1 from carillon.lease l where l.run_id = r.id)`.execute(tx);
  return new Set(rows.map((row) => row.id));
}

/**
 * The caller holds the owner's claims off, so each run is either claimed or ours to change. Its id and its age stay.
 */
export async function replaceRuns(tx: Tx, runs: readonly NewRun[]): Promise<void> {
  await sql`
    update carillon.run
       set job_type = r.job_type, queue = r.queue, concurrency_key = r.concurrency_key,
           tags = case when r.tags is not null then array(select jsonb_array_elements_text(r.tags::jsonb)) end,
           payload = r.payload::jsonb, priority = r.priority, deadline = r.deadline,
           run_at = coalesce(r.run_at, clock_timestamp() + make_interval(secs => r.delay_ms / 1000))
      from ${givenRuns(runs)}
     where carillon.run.id = r.id and carillon.run.id = any(${runs.map((run) => run.id)}::uuid[])`.execute(
    tx,
  );
}

/** A tenant's runs that are not over, counted no further than its limit; not counted when it has none. */
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

/** As rows `r` of a statement. */
export function givenRuns(runs: readonly NewRun[]): RawBuilder<unknown> {
  return sql`unnest(${runs.map((run) => run.id)}::uuid[],
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
              unique_key, unique_window_ms)`;
}

// Lists of different lengths can't be one array of arrays.
function tagsJson(tags: readonly string[]): string | null {
  return tags.length > 0 ? JSON.stringify(tags) : null;
}
