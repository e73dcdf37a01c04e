// Leases. A lease is the counterpart of a claim for a run that goes on outside of the replicas: one row for each run,
// made as the run leaves its claim. The transaction that deletes the row decides the run. The death of a replica does
// not touch it. A lease that changes hands gets a new id, so that its former holder holds nothing.
import { hash } from 'node:crypto';
import { sql } from 'kysely';
import type { Question } from '#cluster/lookout/lookout.repository.js';
import type { Database, Tx } from '#database/connection.js';
import { PAGE_BYTES_MAX } from '#database/fitting-page.repository.js';
import type { LeaseTable } from '#database/tables/lease-schema.js';
import type { LeaseId, ReplicaNumber, RunId, Slot, TenantId, WorkerId } from '#kernel/ids.js';
import { rankOf } from '#execution/runs/decisions/lane.js';
import { OFFER_MS } from '#execution/settling/park.repository.js';
import { newestAttempts } from '#execution/runs/run-columns.js';

/** A worker that does not beat once within this time has probably never got the answer with its lease. */
const FIRST_HEARTBEAT_MS = 10_000;

/** As the index has it; rankOf() of decisions/lane.ts computes the same in memory. */
const RANK = sql.raw("(l.run_at at time zone 'UTC') - l.priority * interval '1 minute'");

/** The parts of a lease that are needed to hand its run out. */
export interface TakenLease {
  id: LeaseId;
  fencing: number;
  leaseMs: number;
  timeoutMs: number;
  runId: RunId;
  jobType: string;
  queue: string;
  concurrencyKey: string | null;
  tags: string[] | null;
  payload: unknown;
  priority: number;
  attempt: number;
  scheduleId: string | null;
  dueAt: Date | null;
  runAt: Date;
  deadline: Date | null;
  details: unknown;
  /** The tokens of the locks that its attempt holds, by their names. */
  locks: Record<string, number>;
}

/** The details that an earlier attempt left: once the worker has sent a heartbeat, those of the run are its own. */
const handedOut =
  sql.raw(`l.id, l.fencing::float8 as fencing, l.lease_ms as "leaseMs", l.timeout_ms as "timeoutMs", r.id as "runId", r.job_type as "jobType",
         r.queue, r.concurrency_key as "concurrencyKey", r.tags, r.payload, l.priority, r.attempt, r.schedule_id as "scheduleId", r.due_at as "dueAt",
         l.run_at as "runAt", r.deadline,
         coalesce((select jsonb_object_agg(h.name, h.token) from jsonb_to_recordset(r.holds) as h (name text, token bigint)), '{}') as locks,
         case when l.heartbeat_at is null then r.details end as details`);

export interface LeaseRequest {
  tenantId: TenantId;
  worker: WorkerId;
  requestId: string;
  jobTypes: readonly string[];
  max: number;
}

/** A digest of the request without its id. The order of its job types does not matter. */
function digestOf({ jobTypes, max }: LeaseRequest): Buffer {
  return hash('sha256', JSON.stringify([[...jobTypes].toSorted(), max]), 'buffer');
}

/** It was offered before its queue was paused or its tenant suspended, and waits until that ends. */
const isHeldBack = sql.raw(`exists (
             select 1 from carillon.tenant t left join carillon.queue q on q.tenant_id = t.id and q.name = l.queue
              where t.id = l.tenant_id and (t.state = 'suspended' or q.paused_at is not null))`);

/**
 * Of the offers those that fit into an answer: the first, and no further one once their runs have as many bytes as a
 * page may have. They are measured one after the other, since measuring a run means unpacking what it holds.
 */
const FITTING = sql`(
      with recursive placed as materialized (
          select id, run_id, row_number() over (order by rank, id) as place from offered),
        measured (place, bytes_before) as (
          select 1::bigint, 0::bigint
           union all
          select place + 1, bytes_before + octet_length(r.payload::text) + coalesce(octet_length(r.details::text), 0)
            from measured
            join placed using (place)
            join carillon.run r on r.id = placed.run_id
           where bytes_before < ${PAGE_BYTES_MAX})
      select placed.id from measured join placed using (place) where bytes_before < ${PAGE_BYTES_MAX})`;

/**
 * Takes offers in the order in which an owner would start them, as many as fit. Many replicas take offers for
 * many workers at once: each locks its offers and skips those that another replica has locked.
 */
export async function takeOffers(tx: Tx, request: LeaseRequest): Promise<TakenLease[]> {
  const { tenantId, worker, requestId, jobTypes, max } = request;
  const { rows } = await sql<TakenLease>`
    with offered as materialized (
      select found.id, found.run_id, found.rank
        from unnest(${[...jobTypes]}::text[]) as wanted (job_type)
       cross join lateral (
         select l.id, l.run_id, ${RANK} as rank
           from carillon.lease l
           join carillon.run r on r.id = l.run_id and r.attempt = l.attempt
          where l.tenant_id = ${tenantId} and l.job_type = wanted.job_type and l.state = 'offered'
            and r.cancel_requested_at is null and (l.deadline is null or l.deadline > clock_timestamp())
            and not ${isHeldBack}
          order by ${RANK}, l.id
          limit ${max}
            for update of l skip locked) found
       order by found.rank, found.id
       limit ${max})
    update carillon.lease l
       set id = gen_random_uuid(), state = 'taken', worker = ${worker}, request_id = ${requestId}, request = ${digestOf(request)},
           fencing = nextval('carillon.lease_fencing'), taken_at = clock_timestamp(), heartbeat_at = null,
           times_out_at = clock_timestamp() + l.timeout_ms * interval '1 ms',
           expires_at = clock_timestamp() + least(${FIRST_HEARTBEAT_MS}, l.timeout_ms) * interval '1 ms'
      from ${max === 1 ? sql`offered` : FITTING} fitting, carillon.run r
     where l.id = fitting.id and r.id = l.run_id
    returning ${handedOut}`.execute(tx);
  return inOrder(rows);
}

/**
 * The leases that an earlier acquisition with the same request id took and still holds; `other` when that one asked for
 * something else.
 */
export async function takenByRequest(tx: Tx, request: LeaseRequest): Promise<TakenLease[] | 'other'> {
  const { tenantId, worker, requestId } = request;
  const { rows } = await sql<TakenLease & { isOther: boolean }>`
    select ${handedOut}, coalesce(l.request <> ${digestOf(request)}, false) as "isOther"
      from carillon.lease l
      join carillon.run r on r.id = l.run_id and r.attempt = l.attempt
     where l.tenant_id = ${tenantId} and l.worker = ${worker} and l.request_id = ${requestId} and l.state = 'taken'`.execute(
    tx,
  );
  if (rows.some(({ isOther }) => isOther)) return 'other';
  const leases = rows.map((row): TakenLease => {
    const { isOther: _, ...lease } = row;
    return lease;
  });
  return inOrder(leases);
}

/**
 * Sorts leases as offers are sorted, since an update returns rows in no order: a step of priority is worth a minute of
 * waiting.
 */
function inOrder(rows: TakenLease[]): TakenLease[] {
  return rows.toSorted((a, b) => rankOf(a) - rankOf(b) || a.fencing - b.fencing);
}

/** The job types of these tenants that have anything to take. */
export async function offersAmong(
  db: Database,
  wanted: readonly { tenantId: TenantId; jobType: string }[],
): Promise<{ tenantId: TenantId; jobType: string }[]> {
  const { rows } = await sql<{ tenantId: TenantId; jobType: string }>`
    select w.tenant_id as "tenantId", w.job_type as "jobType"
      from unnest(${wanted.map((pair) => pair.tenantId)}::uuid[], ${wanted.map((pair) => pair.jobType)}::text[]) as w (tenant_id, job_type)
     where exists (select 1 from carillon.lease l
                    where l.tenant_id = w.tenant_id and l.job_type = w.job_type and l.state = 'offered' and not ${isHeldBack})`.execute(
    db,
  );
  return rows;
}

export interface Beat {
  expiresAt: Date;
  cancelRequested: boolean;
}

/**
 * Extends the lease by its time again, but never beyond its timeout or the run's deadline. A worker that learns that
 * the run was cancelled has the grace time from then on, and beats do not extend it. Undefined when the lease is lost.
 */
export async function beatLease(
  db: Database,
  { tenantId, id, graceMs }: { tenantId: TenantId; id: LeaseId; graceMs: number },
): Promise<(Beat & { runId: RunId; attempt: number }) | undefined> {
  const { rows } = await sql<Beat & { runId: RunId; attempt: number }>`
    update carillon.lease l
       set heartbeat_at = clock_timestamp(),
           expires_at = least(case when r.cancel_requested_at is null then clock_timestamp() + l.lease_ms * interval '1 ms'
                                   when l.heartbeat_at >= r.cancel_requested_at then l.expires_at
                                   else clock_timestamp() + ${graceMs} * interval '1 ms' end, l.times_out_at, l.deadline)
      from carillon.run r
     where l.id = ${id} and l.tenant_id = ${tenantId} and l.state = 'taken' and r.id = l.run_id and r.attempt = l.attempt
    returning l.expires_at as "expiresAt", r.cancel_requested_at is not null as "cancelRequested", r.id as "runId", r.attempt`.execute(
    db,
  );
  return rows[0];
}

/** An endpoint need not beat, so it may never learn that its run was cancelled: its time ends with the grace time. */
export async function hurryPushed(db: Database, { graceMs }: { graceMs: number }): Promise<void> {
  await sql`
    update carillon.lease l
       set expires_at = r.cancel_requested_at + ${graceMs} * interval '1 ms'
      from carillon.run r
     where r.cancel_requested_at is not null and l.run_id = r.id and l.kind = 'push' and l.state = 'taken'
       and l.expires_at > r.cancel_requested_at + ${graceMs} * interval '1 ms'`.execute(db);
}

export interface Lease {
  id: LeaseId;
  state: LeaseTable['state'];
  runId: RunId;
  tenantId: TenantId;
  slot: Slot;
  jobType: string;
  attempt: number;
  runAt: Date;
  replica: ReplicaNumber;
  worker: WorkerId | null;
  /** When it was taken, or else offered. */
  startedAt: Date;
  hasTimedOut: boolean;
  isPastDeadline: boolean;
  /** The database's time. */
  now: Date;
}

const whole =
  sql.raw(`lease.id, lease.state, lease.run_id as "runId", lease.tenant_id as "tenantId", lease.slot, lease.job_type as "jobType",
           lease.attempt, lease.run_at as "runAt", lease.replica, lease.worker, coalesce(lease.taken_at, lease.offered_at) as "startedAt",
           coalesce(lease.times_out_at <= clock_timestamp(), false) as "hasTimedOut",
           coalesce(lease.deadline <= clock_timestamp(), false) as "isPastDeadline", clock_timestamp() as now`);

/** Ends a taken lease. The transaction that deletes the row decides about its run; undefined for all others. */
export async function deleteLease(
  tx: Tx,
  { tenantId, id }: { tenantId: TenantId; id: LeaseId },
): Promise<Lease | undefined> {
  const { rows } = await sql<Lease>`
    delete from carillon.lease where id = ${id} and tenant_id = ${tenantId} and state = 'taken' returning ${whole}`.execute(
    tx,
  );
  return rows[0];
}

/**
 * Offers leases again that a worker took but never beat for: it probably never got the answer. The loss is not held
 * against the run. But the worker may be executing it all the same, so the next attempt has the next number, and the
 * former token holds nothing any more.
 */
export async function offerUnheardAgain(db: Database, { limit }: { limit: number }): Promise<number> {
  const { numAffectedRows } = await sql`
    with unheard as materialized (
      select l.id, l.run_id, l.attempt, l.replica, l.worker, l.taken_at
        from carillon.lease l
        join carillon.run r on r.id = l.run_id and r.attempt = l.attempt and r.cancel_requested_at is null
       where l.expires_at <= clock_timestamp() and l.kind = 'pull' and l.state = 'taken' and l.heartbeat_at is null
         and l.times_out_at > clock_timestamp() and (l.deadline is null or l.deadline > clock_timestamp())
       order by l.expires_at limit ${limit} for update of l skip locked),
    moved_on as (
      update carillon.run r
         set attempt = r.attempt + 1,
             past_attempts = ${newestAttempts('r')}
               || jsonb_build_object('attempt', u.attempt, 'outcome', 'lost', 'replica', u.replica, 'worker', u.worker,
                                     'startedAt', u.taken_at, 'finishedAt', clock_timestamp())
        from unheard u where r.id = u.run_id and r.attempt = u.attempt)
    update carillon.lease l
       set id = gen_random_uuid(), attempt = l.attempt + 1, state = 'offered', worker = null, request_id = null, request = null, taken_at = null,
           times_out_at = null, expires_at = least(l.deadline, clock_timestamp() + ${OFFER_MS} * interval '1 ms')
      from unheard where l.id = unheard.id`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** Ends expired leases and skips those that another transaction is just ending. */
export async function deleteExpired(tx: Tx, { limit }: { limit: number }): Promise<Lease[]> {
  const { rows } = await sql<Lease>`
    with expired as materialized (
      select l.id from carillon.lease l where l.expires_at <= clock_timestamp() order by l.expires_at limit ${limit} for update skip locked)
    delete from carillon.lease using expired where lease.id = expired.id
    returning ${whole}`.execute(tx);
  return rows;
}

/** Milliseconds until the next one expires; null when there is none. */
export async function nextExpiryMs(db: Database): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(expires_at) - clock_timestamp())::float8 * 1000 as ms from carillon.lease`.execute(
    db,
  );
  return rows[0]?.ms ?? null;
}

export const isAnyLease: Question = sql`(select min(expires_at) from carillon.lease) is not null`;
