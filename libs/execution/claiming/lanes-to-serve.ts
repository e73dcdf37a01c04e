// Which lanes does the next claim serve, and how many runs does it take from each? Its part of the claim's room, within
// its limits and its tenant's share.
import type { HeldRuns } from '#execution/held/held-runs.js';
import {
  WORTH_BESIDE_OWN_LOCKS,
  worthHolding,
  type LaneRules,
} from '#execution/limits/decisions/lane-rules.js';
import type { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import { hasKey, jobTypeKey, jobTypeOfLane, type Lane } from '#execution/runs/decisions/lane.js';
import { freshLimit, laneQuotas, resumedLimit } from './decisions/lane-shares.js';
import type { LaneQueue, WaitingLane } from './lane-queue.js';
import type { StrictKeys } from './strict/strict-keys.js';

export interface LaneToServe extends WaitingLane {
  quota: number;
}

export interface Serving {
  /** How many runs the claim may take in all. */
  room: number;
  lanesMax: number;
  held: HeldRuns;
  rules: LaneRulesBook;
  strict: StrictKeys;
}

/** Takes the lanes out of the queue. */
export function takeLanes(lanes: LaneQueue, serving: Serving): LaneToServe[] {
  const { room, lanesMax, held } = serving;
  const mayTake = (lane: Lane): boolean => roomFor(lane, serving) > 0;
  const fresh = lanes.takeFresh(freshLimit({ room, resumed: lanes.resumed, lanesMax }), mayTake);
  const resumed = lanes.takeResumed(resumedLimit({ room, fresh: fresh.length, lanesMax }), mayTake);
  const quotas = laneQuotas({ room, fresh: fresh.length, resumed: resumed.length });
  const left = new Map<string, number>();
  const serve = (lane: WaitingLane, part: number): LaneToServe => {
    const jobType = jobTypeKey({ tenantId: lane.tenantId, jobType: jobTypeOfLane(lane.lane) });
    const ofTenant = left.get(lane.tenantId) ?? held.roomFor(lane.tenantId);
    const ofJobType = left.get(jobType) ?? shareOf(lane, { held, rules: serving.rules.of(lane) });
    const quota = Math.max(0, Math.min(part, roomFor(lane, serving), ofTenant, ofJobType));
    if (quota > 0) serving.strict.noteServed(lane);
    left.set(lane.tenantId, ofTenant - quota);
    left.set(jobType, ofJobType - quota);
    return { ...lane, quota };
  };
  const [servedFresh, servedResumed] = [
    fresh.map((lane) => serve(lane, quotas.fresh)),
    resumed.map((lane) => serve(lane, quotas.resumed)),
  ];
  // Lanes of one tenant or job type share an allowance. A lane that is left with none of it waits for the next pass.
  lanes.putBackFresh(servedFresh.filter(({ quota }) => quota === 0));
  lanes.resume(servedResumed.filter(({ quota }) => quota === 0));
  return [...servedFresh, ...servedResumed].filter(({ quota }) => quota > 0);
}

function roomFor(lane: Lane, serving: Serving): number {
  const rules = serving.rules.of(lane);
  if (rules.paused || !serving.strict.mayClaim(lane)) return 0;
  return roomBeside(lane, { held: serving.held, rules });
}

interface Holding {
  held: HeldRuns;
  rules: LaneRules;
}

/** How many more runs of the lane to hold under these rules. */
export function roomBeside(lane: Lane, holding: Holding): number {
  const worth = worthOf(lane, holding) - holding.held.ofLane(lane);
  return Math.min(worth, shareOf(lane, holding));
}

function worthOf(lane: Lane, { held, rules }: Holding): number {
  const worth = worthHolding(rules, hasKey(lane));
  // Of a key that others use, too, it is known only once one is held.
  return held.hasOwnLocks(lane) ? Math.min(worth, WORTH_BESIDE_OWN_LOCKS) : worth;
}

/** How many more runs its tenant may hold; less if a limit may hold back all runs of the job type. */
function shareOf(lane: Lane, holding: Holding): number {
  const { held } = holding;
  const isLimited = Number.isFinite(worthOf(lane, holding));
  return isLimited ? held.roomForLimited(lane) : held.roomFor(lane.tenantId);
}
