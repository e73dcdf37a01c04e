// Looks at slots and claims what it finds there as one message (migrations/0048). It takes the replica's gate itself, and is
// a transaction by itself.
import { sql } from 'kysely';
import type { ReplicaHolder } from '#cluster/membership/replica-gate.js';
import { plainArray } from '#database/array-text.js';
import type { Database } from '#database/connection.js';
import type { ClaimId, RunId, Slot } from '#kernel/ids.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { partsOfLane, type Lane } from '#execution/runs/decisions/lane.js';
import type { LaneWithRules } from './lane.repository.js';
import { claimedRun, positionOf, type PickedRun, type TakenFromLane } from './claim.repository.js';

export interface LookRequest {
  claimId: ClaimId;
  /** Each with the epoch of its ownership for which `excluded` was read. */
  slots: readonly { slot: Slot; epoch: number }[];
  /** Runs that may be in the slots and wait for no claim. */
  excluded: readonly RunId[];
  /** Lanes of each slot, at most. */
  lanesFound: number;
  /** Lanes of all slots from which it claims, at most. */
  lanesClaimed: number;
  /** Runs of each lane, at most. */
  runsOfLane: number;
  /** Runs due this soon are taken, too, and wait in memory. */
  aheadMs: number;
  /** A lane whose next runs are those of due times this long ago is not claimed from. */
  lateMs: number;
}

export interface LookedAt {
  found: LaneWithRules[];
  /** Those of them that it claimed from, as far as there was anything to claim. */
  claimed: (Lane & TakenFromLane)[];
  runs: ClaimedRun[];
  /** The database's time, no earlier than the claim. */
  databaseTimeMs: number;
  /** How long the server took, from when it passed the gate. */
  tookMs: number;
}

/** Null when the replica was declared dead, and nothing was written (I4). */
export async function lookAndClaim(
  db: Database,
  { replica, uuid }: ReplicaHolder,
  { claimId, slots, excluded, ...most }: LookRequest,
): Promise<LookedAt | null> {
  const { rows } = await sql<FoundRow | LastRow>`
    select slot, tenant_id as "tenantId", lane, paused, weight, tenant, job_type as "jobType", locks, runs, at_ms as "atMs", took_ms as "tookMs"
      from carillon.look_and_claim(
             ${replica}, ${uuid}, ${claimId},
             ${plainArray(slots.map(({ slot }) => slot))}::smallint[],
             ${plainArray(slots.map(({ epoch }) => epoch))}::bigint[],
             ${plainArray(excluded)}::uuid[],
             ${most.lanesFound}, ${most.lanesClaimed}, ${most.runsOfLane}, ${most.aheadMs}, ${most.lateMs})`.execute(
    db,
  );
  const last = rows.at(-1);
  if (last?.lane !== null) return null;
  const looked: LookedAt = {
    found: [],
    claimed: [],
    runs: [],
    databaseTimeMs: last.atMs,
    tookMs: last.tookMs,
  };
  for (const row of rows) if (row.lane !== null) noteLane(looked, row, claimId);
  return looked;
}

interface FoundRow extends LaneWithRules {
  runs: [id: RunId, payload: unknown, atMs: number, nonDefaults: LookedRun | null][] | null;
}

type LookedRun = NonNullable<PickedRun['nonDefaults']> & Pick<PickedRun, 'scheduleId' | 'dueAtMs'>;
const NO_DUE_TIME = { scheduleId: null, dueAtMs: null };

interface LastRow {
  lane: null;
  atMs: number;
  tookMs: number;
}

function noteLane(looked: LookedAt, { runs, ...found }: FoundRow, claimId: ClaimId): void {
  const { slot, tenantId, lane, paused, weight, tenant, jobType, locks } = found;
  looked.found.push({ slot, tenantId, lane, paused, weight, tenant, jobType, locks });
  if (runs === null) return;
  const of = { claimId, slot, tenantId, lane, ...partsOfLane(lane) };
  const picked = runs.map(([id, payload, atMs, nonDefaults]) => {
    const { scheduleId, dueAtMs } = nonDefaults ?? NO_DUE_TIME;
    return { id, payload, atMs, scheduleId, dueAtMs, nonDefaults };
  });
  for (const run of picked) looked.runs.push(claimedRun(run, of));
  const last = picked.at(-1);
  const count = picked.length;
  looked.claimed.push({
    slot,
    tenantId,
    lane,
    count,
    last: last === undefined ? null : positionOf(last),
  });
}
