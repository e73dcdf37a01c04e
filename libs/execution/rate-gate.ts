// May these runs start as far as rates are concerned? A start takes a token of its tenant's bucket and one of
// its job type's, in the database and before it begins: whichever replica starts the next run finds it spent
// (I7). A token taken for a run that then does not start is lost, never used twice.
import { asReplica } from '#cluster/fences.js';
import type { Incarnation } from '#cluster/membership.js';
import type { RateLimit } from './decisions/lane-rules.js';
import { takeTokens } from './decisions/token-bucket.js';
import type { HeldRun } from './held-run.js';
import type { LaneRulesBook } from './lane-rules-book.js';
import { lockBuckets, spend, type Bucket, type BucketKey } from './rate-limit.repository.js';

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
      const buckets = (await lockBuckets(tx, wishes)).flatMap((bucket) => {
        const wish = wishes.find(
          (each) => each.tenantId === bucket.tenantId && each.jobType === bucket.jobType,
        );
        return wish === undefined ? [] : [{ ...bucket, rate: wish.rate, wanted: new Set(wish.runs) }];
      });
      const shared = shareTokens(runs, buckets);
      if (shared.spent.length > 0) await spend(tx, shared.spent);
      return shared.waits;
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

type WantedBucket = Bucket & { rate: RateLimit; wanted: ReadonlySet<HeldRun> };

/** A run takes its tokens from all of its buckets or from none, so that what one refuses wastes nothing of the other. */
function shareTokens(
  runs: readonly HeldRun[],
  buckets: readonly WantedBucket[],
): { spent: (BucketKey & { spentUntilMs: number })[]; waits: Map<HeldRun, number> } {
  const free = buckets.map((bucket) => ({
    bucket,
    tokens: takeTokens({ ...bucket, wanted: bucket.wanted.size }).granted,
    taken: 0,
  }));
  const lacking = new Map<HeldRun, typeof free>();
  for (const held of runs) {
    const needed = free.filter(({ bucket }) => bucket.wanted.has(held));
    const empty = needed.filter(({ tokens, taken }) => taken >= tokens);
    if (empty.length > 0) lacking.set(held, empty);
    else for (const each of needed) each.taken += 1;
  }
  const grants = new Map(
    free.map(({ bucket, taken }) => [bucket, takeTokens({ ...bucket, wanted: taken })] as const),
  );
  const waitOf = (bucket: WantedBucket): number => grants.get(bucket)?.waitMs ?? 0;
  return {
    spent: [...grants]
      .filter(([, { granted }]) => granted > 0)
      .map(([{ tenantId, jobType }, { spentUntilMs }]) => ({ tenantId, jobType, spentUntilMs })),
    waits: new Map(
      [...lacking].map(([held, empty]) => [held, Math.max(...empty.map(({ bucket }) => waitOf(bucket)))]),
    ),
  };
}
