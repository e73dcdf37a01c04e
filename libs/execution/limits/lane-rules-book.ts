// The rules that hold in each lane, as the last scan read them together with the lane. So a change takes about a second
// to reach runs that are about to start.
import type { TenantId } from '#kernel/ids.js';
import { PairMap } from '#kernel/pair-map.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { NO_RULES, type LaneRules } from './decisions/lane-rules.js';

interface RuledLane {
  tenantId: TenantId;
  lane: string;
}

export class LaneRulesBook {
  readonly #rules = new PairMap<TenantId, string, { lane: RuledLane; rules: LaneRules }>();

  /** A lane that was never scanned has no limits: no run of it has been claimed either. */
  of(lane: RuledLane): LaneRules {
    return this.#rules.get(lane.tenantId, lane.lane)?.rules ?? NO_RULES;
  }

  ofRun(run: ClaimedRun): LaneRules {
    return this.of(run);
  }

  note(lane: RuledLane, rules: LaneRules): void {
    const { tenantId, lane: name } = lane;
    if (isNothing(rules)) this.#rules.delete(tenantId, name);
    else this.#rules.set(tenantId, name, { lane: { tenantId, lane: name }, rules });
  }

  /** Forgets the rules of lanes that are not wanted before the next scan. */
  keepOnly(isWanted: (lane: RuledLane) => boolean): void {
    for (const { lane } of this.#rules.values())
      if (!isWanted(lane)) this.#rules.delete(lane.tenantId, lane.lane);
  }
}

function isNothing({ paused, weight, tenant, jobType, locks, hasOwnLocks = false }: LaneRules): boolean {
  const limits = [
    tenant.maxConcurrent,
    tenant.rate,
    jobType.maxConcurrent,
    jobType.maxConcurrentPerKey,
    jobType.rate,
  ];
  const isLocked = locks !== undefined || hasOwnLocks;
  return !paused && weight === 1 && !isLocked && limits.every((limit) => limit === undefined);
}
