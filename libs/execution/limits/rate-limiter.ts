// May these runs start as far as rates are concerned? A start takes a token from its tenant's bucket and one from its
// job type's, in the database and before it begins: so the replica that starts the next run finds them spent (I7). A
// token taken for a run that then does not start is lost, never used twice.
// The time between a token and its start varies, so starts could follow each other faster than their tokens did.
// Therefore each replica also keeps the same buckets in memory, by the moments of its own starts, and asks for no token
// that it could not use at once. It assumes that starts of other replicas came as late as a start may.
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import type { Clock } from '#kernel/clock.js';
import { Remembered } from '#kernel/remembered.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { jobTypeKey } from '#execution/runs/decisions/lane.js';
import type { RateLimit } from './decisions/lane-rules.js';
import { takeTokens } from './decisions/token-bucket.js';
import type { LaneRulesBook } from './lane-rules-book.js';
import { lockBuckets, spend, type Bucket, type BucketKey } from './rate-limit.repository.js';

/** A start that would come later than this after its tokens were asked for gives them up. */
const LAG_MS = 1_000;
const BUCKETS_MAX = 10_000;
/** The database keeps instants to the microsecond. */
const ROUNDING_MS = 0.002;

/** A run that waits to start, and what its holder knows of it. */
export interface Startable {
  readonly run: ClaimedRun;
}

export interface Admission<Held extends Startable> {
  admitted: Held[];
  refused: { held: Held; waitMs: number }[];
}

interface Demand extends BucketKey {
  rate: RateLimit;
  runs: Set<Startable>;
}

/** What this replica knows of a bucket. */
interface Known {
  /** Up to when starts have spent its tokens, on this process's monotonic clock. */
  startsUntilMs: number;
  /** Up to when they were spent in the database, as this replica last read it. */
  spentUntilMs: number;
}

interface Share {
  demand: Demand;
  known: Known;
  bucket: Bucket;
  free: number;
  taken: number;
}

export class RateLimiter {
  readonly #known = new Remembered<string, Known>({ max: BUCKETS_MAX });

  constructor(
    private readonly membership: Membership,
    private readonly book: LaneRulesBook,
    private readonly clock: Clock,
  ) {}

  concerns({ run }: Startable): boolean {
    const { tenant, jobType } = this.book.ofRun(run);
    return tenant.rate !== undefined || jobType.rate !== undefined;
  }

  /** The admitted runs must start at once. Null when the replica was declared dead. */
  async admit<Held extends Startable>(
    incarnation: Incarnation,
    runs: readonly Held[],
  ): Promise<Admission<Held> | null> {
    const askedAtMs = this.clock.monotonicMs();
    const demands = this.#demands(runs);
    const result = await this.membership.write(incarnation, async (tx) => {
      const buckets = await lockBuckets(tx, [...demands.values()]);
      const shares = buckets.flatMap((bucket) => this.#shareOf(bucket, demands));
      const waits = shareOut(runs, shares, this.clock.monotonicMs());
      const spent = shares.filter(({ taken }) => taken > 0).map(spendingOf);
      if (spent.length > 0) await spend(tx, spent);
      return { shares, spent, waits };
    });
    if (result.kind === 'fenced') return null;
    const { shares, spent, waits } = result.value;
    for (const { spentUntilMs, ...key } of spent) this.#note(key, { spentUntilMs });
    const nowMs = this.clock.monotonicMs();
    // Other replicas assume that the starts have happened by now.
    if (nowMs - askedAtMs > LAG_MS)
      return { admitted: [], refused: runs.map((held) => ({ held, waitMs: waits.get(held) ?? 0 })) };
    for (const { demand, known, taken } of shares)
      known.startsUntilMs = takeTokens({
        rate: demand.rate,
        spentUntilMs: known.startsUntilMs,
        nowMs,
        wanted: taken,
      }).spentUntilMs;
    return {
      admitted: runs.filter((held) => !waits.has(held)),
      refused: [...waits].map(([held, waitMs]) => ({ held, waitMs })),
    };
  }

  #shareOf(stored: Bucket, demands: ReadonlyMap<string, Demand>): Share[] {
    const key = jobTypeKey(stored);
    const demand = demands.get(key);
    if (demand === undefined) return [];
    const { rate } = demand;
    const monotonicMs = this.clock.monotonicMs();
    // A bucket owes no more than all its tokens: another rate, or a clock that was set back, may have spent more.
    const spentUntilMs = Math.min(stored.spentUntilMs, stored.nowMs + rate.perSeconds * 1_000);
    const bucket = { ...stored, spentUntilMs };
    let known = this.#known.get(key);
    if (known === undefined || stored.spentUntilMs > known.spentUntilMs + ROUNDING_MS) {
      const othersUntilMs = monotonicMs + (spentUntilMs - stored.nowMs) + LAG_MS;
      const startsUntilMs = Math.max(known?.startsUntilMs ?? Number.NEGATIVE_INFINITY, othersUntilMs);
      known = { startsUntilMs, spentUntilMs: stored.spentUntilMs };
      this.#known.set(key, known);
    }
    const wanted = demand.runs.size;
    const inDatabase = takeTokens({ ...bucket, rate, wanted });
    const here = takeTokens({ rate, spentUntilMs: known.startsUntilMs, nowMs: monotonicMs, wanted });
    return [{ demand, known, bucket, free: Math.min(inDatabase.granted, here.granted), taken: 0 }];
  }

  #note(key: BucketKey, { spentUntilMs }: { spentUntilMs: number }): void {
    const known = this.#known.get(jobTypeKey(key));
    if (known !== undefined) known.spentUntilMs = spentUntilMs;
  }

  #demands(runs: readonly Startable[]): Map<string, Demand> {
    const demands = new Map<string, Demand>();
    for (const held of runs) {
      for (const bucket of this.#bucketsOf(held)) {
        const demand = demands.get(jobTypeKey(bucket));
        if (demand === undefined) demands.set(jobTypeKey(bucket), { ...bucket, runs: new Set([held]) });
        else demand.runs.add(held);
      }
    }
    return demands;
  }

  #bucketsOf({ run }: Startable): (BucketKey & { rate: RateLimit })[] {
    const { tenant, jobType } = this.book.ofRun(run);
    return [
      ...(tenant.rate === undefined ? [] : [{ tenantId: run.tenantId, jobType: '', rate: tenant.rate }]),
      ...(jobType.rate === undefined
        ? []
        : [{ tenantId: run.tenantId, jobType: run.jobType, rate: jobType.rate }]),
    ];
  }
}

/**
 * A run takes tokens from all of its buckets or from none, so a bucket that refuses wastes no token of another. Returns
 * how long the refused runs must wait.
 */
function shareOut<Held extends Startable>(
  runs: readonly Held[],
  shares: readonly Share[],
  monotonicMs: number,
): Map<Held, number> {
  const lacking = new Map<Held, Share[]>();
  for (const held of runs) {
    const needed = shares.filter(({ demand }) => demand.runs.has(held));
    const empty = needed.filter(({ free, taken }) => taken >= free);
    if (empty.length > 0) lacking.set(held, empty);
    else for (const share of needed) share.taken += 1;
  }
  const waits = new Map(shares.map((share) => [share, waitOf(share, monotonicMs)]));
  return new Map(
    [...lacking].map(([held, empty]) => [held, Math.max(...empty.map((share) => waits.get(share) ?? 0))]),
  );
}

/** Milliseconds until the bucket has one more token, both in the database and here. */
function waitOf({ demand: { rate }, bucket, known, taken }: Share, monotonicMs: number): number {
  const here = { rate, spentUntilMs: known.startsUntilMs, nowMs: monotonicMs, wanted: taken };
  // A wait is never zero: the replica would ask again and again within one instant.
  return Math.max(1, takeTokens({ ...bucket, rate, wanted: taken }).waitMs, takeTokens(here).waitMs);
}

function spendingOf({ demand, bucket, taken }: Share): BucketKey & { spentUntilMs: number } {
  const { tenantId, jobType } = bucket;
  const { spentUntilMs } = takeTokens({ ...bucket, rate: demand.rate, wanted: taken });
  return { tenantId, jobType, spentUntilMs };
}
