// Finds the lanes that hold any run, by skipping along one index from lane to lane, and reads the rules of each.
import { sql, type RawBuilder } from 'kysely';
import { plainArray } from '#database/array-text.js';
import type { Database } from '#database/connection.js';
import { jobTypeIdOf } from '#database/job-type-key.js';
import { NO_UUID, type Slot, type TenantId } from '#kernel/ids.js';
import type { Lane } from '#execution/runs/decisions/lane.js';
import type { NeededLock } from '#execution/limits/decisions/lane-rules.js';
import type { JobTypeLimits, TenantLimits } from '#execution/limits/limits.js';

export interface LaneWithRules extends Lane {
  paused: boolean;
  weight: number | null;
  /** Null when the tenant has no limits. */
  tenant: TenantLimits | null;
  jobType: JobTypeLimits | null;
  locks: NeededLock[] | null;
}

/** The part of a slot to scan: behind `after` or from the beginning, and before `before` or to the end. */
export interface SlotScan {
  slot: Slot;
  after: { tenantId: TenantId; lane: string } | null;
  before?: { tenantId: TenantId; lane: string };
}

/** A lane and the rank in milliseconds at which to begin: every run below it was taken before. */
export interface MarkedLane extends Lane {
  mark: number;
}

export interface LaneSearch {
  scans: readonly SlotScan[];
  marked?: readonly MarkedLane[];
  /** For each scan. */
  limit: number;
}

/** No id has all bits set. */
const LAST_TENANT = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Most scans are of whole slots, a thousand of them each second: ends that none has are not sent. */
function unlessNone(ends: (string | null)[]): (string | null)[] {
  return ends.some((end) => end !== null) ? ends : [];
}

/** As the index of claims has it: an instant of UTC without a zone. Null is the head of the lane. */
export function markText(mark: number | null): string {
  return mark === null ? '-infinity' : new Date(mark).toISOString();
}

/** In the collation of the names that it is compared with: by that of lanes no index of theirs is used. */
function partOfLane(place: 1 | 2): RawBuilder<string> {
  return sql.raw(`split_part(found.lane collate "default", '/', ${place})`);
}

/**
 * The lanes that hold any run in these parts of slots, at most `limit` for each part, found by skipping along the
 * index; and the marked lanes that hold any run from their marks on. Each comes with the rules for it.
 */
export async function discoverLanes(
  db: Database,
  { scans, marked = [], limit }: LaneSearch,
): Promise<LaneWithRules[]> {
  const { rows } = await sql<LaneWithRules>`
    with found as materialized (
      select s.slot, skipped.tenant_id, skipped.lane
        from (select p.slot, coalesce(p.tenant_id, ${NO_UUID}) as tenant_id, coalesce(p.lane, '') as lane,
                     coalesce(p.end_tenant, ${LAST_TENANT}) as end_tenant, coalesce(p.end_lane, '') as end_lane
                from unnest(${plainArray(scans.map((scan) => scan.slot))}::smallint[],
                            ${plainArray(unlessNone(scans.map((scan) => scan.after?.tenantId ?? null)))}::uuid[],
                            ${unlessNone(scans.map((scan) => scan.after?.lane ?? null))}::text[],
                            ${plainArray(unlessNone(scans.map((scan) => scan.before?.tenantId ?? null)))}::uuid[],
                            ${unlessNone(scans.map((scan) => scan.before?.lane ?? null))}::text[])
                     as p (slot, tenant_id, lane, end_tenant, end_lane)) s
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
       cross join lateral carillon.holds_from(m.slot, m.tenant_id, m.lane, m.mark) there)
    select found.slot, found.tenant_id as "tenantId", found.lane, t.weight,
           coalesce(t.state = 'suspended', false) or q.paused_at is not null or j.paused_at is not null as paused,
           nullif(t.limits, '{}') as tenant, nullif(j.limits, '{}') as "jobType", j.locks
      from found
      -- A limit, so that each is one look at an index: joined freely, all tenants are read for each slot.
      left join lateral (select weight, state, limits from carillon.tenant where id = found.tenant_id limit 1) t on true
      left join lateral (
        select paused_at from carillon.queue
         where tenant_id = found.tenant_id and name = ${partOfLane(1)} limit 1) q on true
      left join lateral (
        select limits, paused_at, locks from carillon.job_type
         where id = ${jobTypeIdOf(sql`found.tenant_id`, partOfLane(2))}
         limit 1) j on true`.execute(db);
  return rows;
}
