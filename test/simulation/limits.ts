// Are limits kept (I7)? Concurrency is counted over what really executes: a handler that has neither ended nor
// been told to stop, in a process that is there, of an incarnation that no row calls dead. So a process that sleeps
// counts until it is declared dead; from then on it can't be stopped and can record nothing, and at-least-once is
// all that is promised. A handler that goes on although it was told to stop counts no more, for the same reason.
//
// A rate is counted at the instants at which the database gave the tokens: what delays a start afterwards, a slow
// network or a sleep, can't be foreseen by anybody. The clock is the server's, forward jumps included, because
// tokens grow by it; jumps back are left out, because nothing may be given twice.
import type { RateLimit } from '#execution/decisions/lane-rules.js';
import type { JobTypeRow, ModelDatabase, TenantRow } from './model-database.js';
import type { World } from './world.js';

export interface Limited {
  tenantId: string;
  jobType: string;
  concurrencyKey: string | null;
}

/** Clock readings are rounded to the microsecond. */
const ROUNDING_MS = 0.5;

export class Limits {
  /** When each replica last asked for a token of a bucket, and when the tokens of those that started were given. */
  readonly #admissions = new Map<string, number>();
  readonly #tokens = new Map<string, number[]>();
  /** By how much the server's clock has jumped forward. */
  aheadMs = 0;

  constructor(
    private readonly world: World,
    private readonly db: ModelDatabase,
  ) {}

  noteAdmission(session: string, tenantId: string, jobType: string): void {
    this.#admissions.set(`${session} ${tenantId}/${jobType}`, this.world.nowMs + this.aheadMs);
  }

  /** Called when a replica has decided to start a run. */
  judgeRate(replica: number, run: Limited): void {
    const { tenant, jobType } = this.#limitsOf(run);
    this.#judgeBucket(replica, { ...run, jobType: '' }, tenant?.limits.rate);
    this.#judgeBucket(replica, run, jobType?.limits.rate);
  }

  /** Called when a handler starts, with all that execute, itself included. */
  judgeConcurrency(run: Limited, executing: readonly Limited[]): void {
    const { tenant, jobType } = this.#limitsOf(run);
    const ofTenant = executing.filter(({ tenantId }) => tenantId === run.tenantId);
    const ofType = ofTenant.filter((other) => other.jobType === run.jobType);
    const ofKey = ofType.filter(({ concurrencyKey }) => concurrencyKey === run.concurrencyKey);
    this.#compare(`runs of ${run.tenantId}`, ofTenant.length, tenant?.limits.maxConcurrent);
    this.#compare(`${run.jobType} runs of ${run.tenantId}`, ofType.length, jobType?.limits.maxConcurrent);
    if (run.concurrencyKey === null) return;
    const what = `${run.jobType} runs of ${run.tenantId} with key ${run.concurrencyKey}`;
    this.#compare(what, ofKey.length, jobType?.limits.maxConcurrentPerKey);
  }

  #compare(what: string, count: number, limit = Number.POSITIVE_INFINITY): void {
    if (count > limit) this.world.violate('I7', `${count} ${what} execute at once, allowed are ${limit}`);
  }

  #judgeBucket(replica: number, { tenantId, jobType }: Limited, rate: RateLimit | undefined): void {
    if (rate === undefined) return;
    const bucket = `${tenantId}/${jobType}`;
    const givenAtMs = this.#admissions.get(`carillon:${replica} ${bucket}`);
    if (givenAtMs === undefined) {
      return this.world.violate(
        'I7',
        `replica ${replica} starts a run of ${bucket} without asking for a token`,
      );
    }
    const tokens = [...(this.#tokens.get(bucket) ?? []), givenAtMs].toSorted((a, b) => a - b);
    this.#tokens.set(bucket, tokens);
    const tokenMs = (rate.perSeconds * 1_000) / rate.count;
    let spentUntilMs = Number.NEGATIVE_INFINITY;
    for (const atMs of tokens) {
      spentUntilMs = Math.max(spentUntilMs, atMs) + tokenMs;
      if (spentUntilMs - atMs <= rate.count * tokenMs + ROUNDING_MS) continue;
      const story = `${bucket} got more than ${rate.count} tokens and ${rate.count} in ${rate.perSeconds} s until ${atMs.toFixed(1)}`;
      return this.world.violate('I7', story);
    }
  }

  #limitsOf({ tenantId, jobType }: Limited): { tenant: TenantRow | null; jobType: JobTypeRow | null } {
    return { tenant: this.db.tenant.get(tenantId), jobType: this.db.jobType.get(jobType) };
  }
}
