// May these runs start as far as rates are concerned? A start takes a token of its tenant's bucket and one of
// its job type's, in the database and before it begins: whichever replica starts the next run finds it spent
// (I7). A token taken for a run that then does not start is lost, never used twice.
import { asReplica } from '#cluster/fences.js';
import type { Incarnation } from '#cluster/membership.js';
import type { RateLimit } from './decisions/lane-rules.js';
import { takeTokens } from './decisions/token-bucket.js';
import type { HeldRun } from './held-run.js';
import type { LaneRulesBook } from './lane-rules-book.js';
import { lockBuckets, spend, type BucketKey } from './rate-limit.repository.js';

export interface Admission {
  admitted: HeldRun[];
  refused: { held: HeldRun; waitMs: number }[];
}

interface Wish extends BucketKey {
  rate: RateLimit;
  runs: HeldRun[];
}

export class RateGate {
  constructor(private readonly book: LaneRulesBook) {}

  concerns({ run }: HeldRun): boolean {
    const { tenant, jobType } = this.book.ofRun(run);
    return tenant.rate !== undefined || jobType.rate !== undefined;
  }

  /** Null when the replica was declared dead. */
  async admit(incarnation: Incarnation, runs: readonly HeldRun[]): Promise<Admission | null> {
    const wishes = this.#wishes(runs);
    const result = await asReplica(incarnation.db, incarnation, async (tx) => {
      const buckets = await lockBuckets(tx, wishes);
      const waits = new Map<HeldRun, number>();
      const spent: (BucketKey & { spentUntilMs: number })[] = [];
      for (const { tenantId, jobType, spentUntilMs, nowMs } of buckets) {
        const wish = wishes.find((each) => each.tenantId === tenantId && each.jobType === jobType);
        if (wish === undefined) continue;
        const grant = takeTokens({ rate: wish.rate, spentUntilMs, nowMs, wanted: wish.runs.length });
        spent.push({ tenantId, jobType, spentUntilMs: grant.spentUntilMs });
        for (const held of wish.runs.slice(grant.granted))
          waits.set(held, Math.max(waits.get(held) ?? 0, grant.waitMs));
      }
      await spend(tx, spent);
      return waits;
    });
    if (result.kind === 'fenced') return null;
    const waits = result.value;
    return {
      admitted: runs.filter((held) => !waits.has(held)),
      refused: [...waits].map(([held, waitMs]) => ({ held, waitMs })),
    };
  }

  #wishes(runs: readonly HeldRun[]): Wish[] {
    const wishes = new Map<string, Wish>();
    for (const held of runs) {
      const { tenantId, jobType } = held.run;
      const rules = this.book.ofRun(held.run);
      for (const [name, rate] of [
        ['', rules.tenant.rate],
        [jobType, rules.jobType.rate],
      ] as const) {
        if (rate === undefined) continue;
        const key = `${tenantId}/${name}`;
        const wish = wishes.get(key);
        if (wish === undefined) wishes.set(key, { tenantId, jobType: name, rate, runs: [held] });
        else wish.runs.push(held);
      }
    }
    return [...wishes.values()];
  }
}
