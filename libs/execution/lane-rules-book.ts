// Which rules hold in which lane? Read together with the lanes themselves, each time they are looked for, so a
// change takes a second or so to reach runs that are about to start.
import type { TenantId } from '#kernel/ids.js';
import { laneOf, type ClaimedRun } from './claimed-run.js';
import { NO_RULES, type LaneRules } from './decisions/lane-rules.js';

export class LaneRulesBook {
  #rules = new Map<string, LaneRules>();

  /** A lane that was never looked at is not limited: nothing of it has been claimed either. */
  of(lane: { tenantId: TenantId; lane: string }): LaneRules {
    return this.#rules.get(keyOf(lane)) ?? NO_RULES;
  }

  ofRun(run: ClaimedRun): LaneRules {
    return this.of({ tenantId: run.tenantId, lane: laneOf(run) });
  }

  note(lane: { tenantId: TenantId; lane: string }, rules: LaneRules): void {
    if (isNothing(rules)) this.#rules.delete(keyOf(lane));
    else this.#rules.set(keyOf(lane), rules);
  }
}

function isNothing({ paused, weight, tenant, jobType }: LaneRules): boolean {
  const limits = [
    tenant.maxConcurrent,
    tenant.rate,
    jobType.maxConcurrent,
    jobType.maxConcurrentPerKey,
    jobType.rate,
  ];
  return !paused && weight === 1 && limits.every((limit) => limit === undefined);
}

function keyOf({ tenantId, lane }: { tenantId: TenantId; lane: string }): string {
  return `${tenantId}/${lane}`;
}
