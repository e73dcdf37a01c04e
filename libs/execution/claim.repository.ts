// Which statements take work, and give it back untouched? Because a slot has one owner, taking a batch is
// one index walk per lane and one claim row for all of it; no run is written and none is contested.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { ClaimId, ReplicaNumber, RunId, Slot, TenantId } from '#kernel/ids.js';
import { plainArray } from '#database/array-text.js';
import { partsOfLane, type ClaimedRun } from './claimed-run.js';
import type { JobTypeLimits, TenantLimits } from './limits.js';
import type { Occupant } from './occupancy.js';

/** Runs of a tenant that are paused and limited together: one queue, one job type, one concurrency key. */
export interface Lane {
  slot: Slot;
  tenantId: TenantId;
  lane: string;
}

export interface LaneWithRules extends Lane {
  paused: boolean;
  weight: number | null;
  /** Null when nothing is limited. */
  tenant: TenantLimits | null;
  jobType: JobTypeLimits | null;
}

/** Where to look in a slot: behind this lane, or from the beginning; and before that one, or to the end. */
export interface SlotLook {
  slot: Slot;
  after: { tenantId: TenantId; lane: string } | null;
  before?: { tenantId: TenantId; lane: string };
}

/** A lane, and the rank in milliseconds from which on it is looked at: everything below it was taken before. */
export interface MarkedLane extends Lane {
  mark: number;
}

const FIRST_TENANT = '00000000-0000-0000-0000-000000000000';
/** No id has all bits set. */
const LAST_TENANT = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** As the index of claims has it: an instant of UTC without a zone. Null is the head of the lane. */
function markText(mark: number | null): string {
  return mark === null ? '-infinity' : new Date(mark).toISOString();
}

/**
 * The lanes in these slots that hold any run, at most `limit` of each look, found by skipping from lane to lane
 * along the index; those of the marked lanes that hold any from their marks on; and what holds in each of them.
 */
export async function discoverLanes(
  db: Database,
  {
    looks,
    marked = [],
    limit,
  }: { looks: readonly SlotLook[]; marked?: readonly MarkedLane[]; limit: number },
): Promise<LaneWithRules[]> {
  const { rows } = await sql<LaneWithRules>`
    with found as materialized (
      select s.slot, skipped.tenant_id, skipped.lane
        from unnest(${looks.map((look) => look.slot)}::smallint[],
                    ${looks.map((look) => look.after?.tenantId ?? FIRST_TENANT)}::uuid[],
                    ${looks.map((look) => look.after?.lane ?? '')}::text[],
                    ${looks.map((look) => look.before?.tenantId ?? LAST_TENANT)}::uuid[],
                    ${looks.map((look) => look.before?.lane ?? '')}::text[]) as s (slot, tenant_id, lane, end_tenant, end_lane)
       cross join lateral (
         with recursive skipped as (
           (select tenant_id, lane from carillon.run
             where slot = s.slot and (tenant_id, lane) > (s.tenant_id, s.lane collate "C")
               and (tenant_id, lane) < (s.end_tenant, s.end_lane collate "C")
             order by tenant_id, lane limit 1)
           union all
           select next.tenant_id, next.lane
             from skipped f
            cross join lateral (
              select r.tenant_id, r.lane from carillon.run r
               where r.slot = s.slot and (r.tenant_id, r.lane) > (f.tenant_id, f.lane)
                 and (r.tenant_id, r.lane) < (s.end_tenant, s.end_lane collate "C")
               order by r.tenant_id, r.lane limit 1) next)
         select tenant_id, lane from skipped limit ${limit}) skipped
       union all
      select m.slot, m.tenant_id, m.lane
        from unnest(${marked.map((lane) => lane.slot)}::smallint[],
                    ${marked.map((lane) => lane.tenantId)}::uuid[],
                    ${marked.map((lane) => lane.lane)}::text[],
                    ${marked.map((lane) => markText(lane.mark))}::timestamp[]) as m (slot, tenant_id, lane, mark)
       cross join lateral (
         select 1 from carillon.run r
          where r.slot = m.slot and r.tenant_id = m.tenant_id and r.lane = m.lane
            and (r.run_at at time zone 'UTC') - r.priority * interval '1 minute' >= m.mark
          limit 1) there)
    select found.slot, found.tenant_id as "tenantId", found.lane, t.weight,
           coalesce(t.state = 'suspended', false) or q.paused_at is not null or j.paused_at is not null as paused,
           nullif(t.limits, '{}') as tenant, nullif(j.limits, '{}') as "jobType"
      from found
      -- A limit, so that each is one look at an index: joined freely, all tenants are read for each slot.
      left join lateral (select weight, state, limits from carillon.tenant where id = found.tenant_id limit 1) t on true
      left join lateral (
        select paused_at from carillon.queue
         where tenant_id = found.tenant_id and name = split_part(found.lane, '/', 1) limit 1) q on true
      left join lateral (
        select limits, paused_at from carillon.job_type
         where name = split_part(found.lane, '/', 2) and (tenant_id = found.tenant_id or tenant_id is null)
         order by tenant_id nulls last
         limit 1) j on true`.execute(db);
  return rows;
}

export interface ClaimRequest {
  claimId: ClaimId;
  replica: ReplicaNumber;
  /** With the epoch of the slot's ownership for which `excluded` was read, and the rank to begin at; null is the head. */
  lanes: readonly (Lane & { quota: number; epoch: number; mark: number | null })[];
  /** Runs that are already held, here or under a claim of a former owner. */
  excluded: readonly RunId[];
  /** Runs due this soon are taken, too, and wait in memory. */
  aheadMs: number;
}

/**
 * Takes the next runs of each lane. The ownership of each slot and its epoch are read in the same
 * statement, behind the replica gate, so a slot that was handed over yields nothing, not even if it has
 * come back since. Race won: two owners never see the same run unclaimed, because the old one's claims
 * are visible before the new one may ask.
 */
export async function claimRuns(
  tx: Tx,
  request: ClaimRequest,
): Promise<{ runs: ClaimedRun[]; databaseTimeMs: number | null }> {
  const { claimId, replica, lanes, excluded, aheadMs } = request;
  // What is the same for a whole lane is not sent back with each of its runs.
  const { rows } = await sql<PickedRow>`
    with lane as materialized (
      select l.number, l.slot, l.tenant_id, l.lane, l.quota, l.mark
        from unnest(${plainArray(lanes.map((lane) => lane.slot))}::smallint[],
                    ${plainArray(lanes.map((lane) => lane.tenantId))}::uuid[],
                    ${lanes.map((lane) => lane.lane)}::text[],
                    ${plainArray(lanes.map((lane) => lane.quota))}::int[],
                    ${plainArray(lanes.map((lane) => lane.epoch))}::bigint[],
                    ${plainArray(lanes.map((lane) => markText(lane.mark)))}::timestamp[])
             with ordinality as l (slot, tenant_id, lane, quota, epoch, mark, number)
        join carillon.slot_owner o on o.slot = l.slot and o.owner = ${replica} and o.epoch = l.epoch and o.target is null),
    picked as materialized (
      select lane.number, r.*
        from lane
       cross join lateral (
         select id, schedule_id, due_at, payload, priority, run_at, attempt, failures, losses, deadline, details, cancel_requested_at
           from carillon.run
          where slot = lane.slot and tenant_id = lane.tenant_id and run.lane = lane.lane
            and (run_at at time zone 'UTC') - priority * interval '1 minute' >= lane.mark
            and run_at <= statement_timestamp() + make_interval(secs => ${aheadMs / 1000}::float8)
            and id <> all(${plainArray(excluded)}::uuid[])
          order by (run_at at time zone 'UTC') - priority * interval '1 minute', id
          limit lane.quota) r),
    noted as (
      insert into carillon.claim (id, replica, run_ids)
      select ${claimId}, ${replica}, array_agg(id) from picked having count(*) > 0)
    select number::int, id, schedule_id as "scheduleId", due_at as "dueAt", payload, priority,
           date_part('epoch', run_at) * 1000 as "runAtMs", attempt, failures, losses, deadline, details,
           cancel_requested_at is not null as "isCancelRequested",
           (select date_part('epoch', clock_timestamp()) * 1000) as "databaseTimeMs"
      from picked`.execute(tx);
  const shared = lanes.map(({ slot, tenantId, lane }) => ({
    claimId,
    slot,
    tenantId,
    lane,
    ...partsOfLane(lane),
  }));
  const runs = rows.map((row) => claimedRun(row, shared[row.number - 1] as LaneOfClaim)); // numbered from 1
  return { runs, databaseTimeMs: rows[0]?.databaseTimeMs ?? null };
}

type LaneOfClaim = Pick<
  ClaimedRun,
  'claimId' | 'slot' | 'tenantId' | 'lane' | 'queue' | 'jobType' | 'concurrencyKey'
>;

interface PickedRow extends Omit<ClaimedRun, keyof LaneOfClaim | 'runAt'> {
  number: number;
  runAtMs: number;
  databaseTimeMs: number;
}

// Field by field: a spread of two objects takes several times as long, and this is done for every run.
function claimedRun(row: PickedRow, lane: LaneOfClaim): ClaimedRun {
  return {
    id: row.id,
    claimId: lane.claimId,
    tenantId: lane.tenantId,
    slot: lane.slot,
    lane: lane.lane,
    jobType: lane.jobType,
    queue: lane.queue,
    concurrencyKey: lane.concurrencyKey,
    scheduleId: row.scheduleId,
    dueAt: row.dueAt,
    payload: row.payload,
    priority: row.priority,
    runAt: new Date(row.runAtMs),
    attempt: row.attempt,
    failures: row.failures,
    losses: row.losses,
    deadline: row.deadline,
    isCancelRequested: row.isCancelRequested,
    details: row.details,
  };
}

export interface ForeignRun extends Occupant {
  slot: Slot;
  id: RunId;
  /** It is outside, under a lease; no claim finds it. */
  isLeased: boolean;
}

/** Runs in these slots that others hold: another replica's claims, a former owner that is finishing, or leases. */
export async function foreignRuns(
  db: Database,
  { replica, slots }: { replica: ReplicaNumber; slots: readonly Slot[] },
): Promise<ForeignRun[]> {
  const { rows } = await sql<ForeignRun>`
    select r.slot, r.id, r.tenant_id as "tenantId", r.job_type as "jobType", r.concurrency_key as "concurrencyKey", false as "isLeased"
      from carillon.claim c
     cross join lateral unnest(c.run_ids) as held (id)
     cross join lateral (select * from carillon.run where id = held.id limit 1) r
     where c.replica <> ${replica} and r.slot = any(${[...slots]}::smallint[])
     union all
    select slot, run_id, tenant_id, job_type, concurrency_key, true from carillon.lease where slot = any(${[...slots]}::smallint[])`.execute(
    db,
  );
  return rows;
}

/** Claims of this replica that are old enough for their owner to have heard of them. */
export async function listOldClaims(
  db: Database,
  { replica, olderThanMs }: { replica: ReplicaNumber; olderThanMs: number },
): Promise<ClaimId[]> {
  const { rows } = await sql<{ id: ClaimId }>`
    select id from carillon.claim
     where replica = ${replica} and claimed_at < clock_timestamp() - make_interval(secs => ${olderThanMs / 1000}::float8)`.execute(
    db,
  );
  return rows.map((row) => row.id);
}

/** Drops claims whose runs were never started: they are free again at once, with no attempt burned. */
export async function dropClaims(
  tx: Tx,
  { replica, claimIds }: { replica: ReplicaNumber; claimIds: readonly ClaimId[] },
): Promise<void> {
  await sql`delete from carillon.claim where replica = ${replica} and id = any(${[...claimIds]}::uuid[])`.execute(
    tx,
  );
}

/** Says of runs that were lost before that they are running here now. */
export async function markStarted(
  tx: Tx,
  { replica, runIds }: { replica: ReplicaNumber; runIds: readonly RunId[] },
): Promise<void> {
  await sql`update carillon.run set started_by = ${replica} where id = any(${[...runIds]}::uuid[])`.execute(
    tx,
  );
}

/** Notes, once for each dead replica, when the first of its runs has started again elsewhere. */
export async function noteRestarts(
  tx: Tx,
  { replica, runIds }: { replica: ReplicaNumber; runIds: readonly RunId[] },
): Promise<void> {
  await sql`
    insert into carillon.cluster_event (type, replica, data)
    select 'run-restarted', lost.replica, jsonb_build_object('by', ${replica}::int, 'run', lost.run)
      from (select (past_attempts -> -1 ->> 'replica')::int as replica, min(id::text) as run
              from carillon.run
             where id = any(${[...runIds]}::uuid[]) and past_attempts -> -1 ->> 'outcome' = 'lost'
             group by 1) lost
     where not exists (select 1 from carillon.cluster_event e where e.replica = lost.replica and e.type = 'run-restarted')`.execute(
    tx,
  );
}

/** Says of runs that have been running for a while when they began; for those who ask, not for the fences. */
export async function noteStarts(
  tx: Tx,
  {
    claimId,
    replica,
    started,
  }: { claimId: ClaimId; replica: ReplicaNumber; started: Readonly<Record<string, Date>> },
): Promise<void> {
  await sql`
    update carillon.claim set started = coalesce(started, '{}') || ${JSON.stringify(started)}::jsonb
     where id = ${claimId} and replica = ${replica}`.execute(tx);
}
