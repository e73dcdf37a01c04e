// May these runs start as far as rates are concerned? A start takes a token of its tenant's bucket and one of
// its job type's, in the database and before it begins: whichever replica starts the next run finds it spent
// (I7). A token taken for a run that then does not start is lost, never used twice.
//
// Between a token and the start that it is for, time goes by, now more, now less, so starts could come closer to
// each other than their tokens did. Therefore each replica keeps the same buckets in memory as well, by the moments
// of its own starts. Those of a bucket that it has not known before begin as if the last start there had come as
// late as a start may.
import { asReplica } from '#cluster/fences.js';
import type { Incarnation } from '#cluster/membership.js';
import type { Clock } from '#kernel/clock.js';
import type { RateLimit } from './decisions/lane-rules.js';
import { takeTokens } from './decisions/token-bucket.js';
import type { HeldRun } from './held-run.js';
import type { LaneRulesBook } from './lane-rules-book.js';
import { lockBuckets, spend, type Bucket, type BucketKey } from './rate-limit.repository.js';

/** A start that would come later than this after its token gives it up. */
const LAG_MS = 1_000;
const BUCKETS_MAX = 10_000;

export interface Admission {
  admitted: HeldRun[];
  refused: { held: HeldRun; waitMs: number }[];
}

interface Wish extends BucketKey {
  rate: RateLimit;
  runs: HeldRun[];
}

export class RateGate {
  /** Up to when the tokens of a bucket are spent, on this process's monotonic clock. */
  readonly #starts = new Map<string, number>();

  constructor(
    private readonly book: LaneRulesBook,
    private readonly clock: Clock,
  ) {}

  concerns({ run }: HeldRun): boolean {
    const { tenant, jobType } = this.book.ofRun(run);
    return tenant.rate !== undefined || jobType.rate !== undefined;
  }

  /** Those admitted must start at once. Null when the replica was declared dead. */
  async admit(incarnation: Incarnation, runs: readonly HeldRun[]): Promise<Admission | null> {
    const waits = new Map<HeldRun, number>();
    const askedAtMs = this.clock.monotonicMs();
    const asking = runs.filter((held) => !held.hasTokens);
    if (asking.length > 0) {
      const result = await this.#takeTokens(incarnation, asking, waits);
      if (result === 'fenced') return null;
      for (const held of asking) held.hasTokens = !waits.has(held);
    }
    const nowMs = this.clock.monotonicMs();
    for (const held of runs) {
      if (!held.hasTokens) continue;
      const waitMs = this.#waitMs(held, nowMs);
      if (waitMs > 0) waits.set(held, waitMs);
      else if (nowMs - askedAtMs > LAG_MS) waits.set(held, 0);
      if (waitMs > LAG_MS || nowMs - askedAtMs > LAG_MS) held.hasTokens = false;
    }
    return {
      admitted: runs.filter((held) => !waits.has(held)),
      refused: [...waits].map(([held, waitMs]) => ({ held, waitMs })),
    };
  }

  async #takeTokens(
    incarnation: Incarnation,
    runs: readonly HeldRun[],
    waits: Map<HeldRun, number>,
  ): Promise<'done' | 'fenced'> {
    const wishes = this.#wishes(runs);
    const result = await asReplica(incarnation.db, incarnation, async (tx) => {
      const buckets = (await lockBuckets(tx, wishes)).flatMap((bucket) => {
        const wish = wishes.find((each) => keyOf(each) === keyOf(bucket));
        return wish === undefined ? [] : [{ ...bucket, rate: wish.rate, wanted: new Set(wish.runs) }];
      });
      for (const bucket of buckets) this.#meet(bucket);
      const shared = shareTokens(runs, buckets);
      if (shared.spent.length > 0) await spend(tx, shared.spent);
      for (const [held, waitMs] of shared.waits) waits.set(held, waitMs);
    });
    return result.kind;
  }

  #meet(bucket: Bucket): void {
    const key = keyOf(bucket);
    if (this.#starts.has(key)) return;
    if (this.#starts.size >= BUCKETS_MAX) this.#starts.clear();
    this.#starts.set(key, this.clock.monotonicMs() + (bucket.spentUntilMs - bucket.nowMs) + LAG_MS);
  }

  /** Counts the start in, unless it would come too soon after the others. */
  #waitMs(held: HeldRun, nowMs: number): number {
    const grants = this.#bucketsOf(held).map(({ rate, ...bucket }) => {
      const key = keyOf(bucket);
      return { key, ...takeTokens({ rate, spentUntilMs: this.#starts.get(key) ?? nowMs, nowMs, wanted: 1 }) };
    });
    if (grants.some(({ granted }) => granted === 0))
      return Math.max(1, ...grants.filter(({ granted }) => granted === 0).map(({ waitMs }) => waitMs));
    for (const { key, spentUntilMs } of grants) this.#starts.set(key, spentUntilMs);
    return 0;
  }

  #wishes(runs: readonly HeldRun[]): Wish[] {
    const wishes = new Map<string, Wish>();
    for (const held of runs) {
      for (const bucket of this.#bucketsOf(held)) {
        const wish = wishes.get(keyOf(bucket));
        if (wish === undefined) wishes.set(keyOf(bucket), { ...bucket, runs: [held] });
        else wish.runs.push(held);
      }
    }
    return [...wishes.values()];
  }

  #bucketsOf({ run }: HeldRun): (BucketKey & { rate: RateLimit })[] {
    const { tenant, jobType } = this.book.ofRun(run);
    return [
      ...(tenant.rate === undefined ? [] : [{ tenantId: run.tenantId, jobType: '', rate: tenant.rate }]),
      ...(jobType.rate === undefined
        ? []
        : [{ tenantId: run.tenantId, jobType: run.jobType, rate: jobType.rate }]),
    ];
  }
}

function keyOf({ tenantId, jobType }: BucketKey): string {
  return `${tenantId}/${jobType}`;
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
