// Are limits kept (I7)? Concurrency is counted over what really executes: a handler that has neither ended nor been
// told to stop, in a process that is there, of an incarnation that no row calls dead. So a process that sleeps counts
// until it is declared dead; from then on it can't be stopped and can record nothing, and at-least-once is all that is
// promised. A handler that goes on although it was told to stop counts no more, for the same reason.
//
// A rate is counted at the instants at which replicas start attempts, each by itself: no window may see more. The clock
// is the world's, to which the server's jumps forward are added, because tokens grow by that clock. A run that was lost
// before is left out: its start is written down first, which takes an unforeseeable while.
//
// What may wait (`maxQueued`) binds the planner: with all that the tenant's schedules have waiting it never goes beyond
// that. Runs that were asked for by themselves, or that come back from the history, come in between its count and its
// write.
import { isUnlimitedKey, readScheduleKey } from '#kernel/schedule-key.js';
import type { RateLimit } from '#execution/limits/decisions/lane-rules.js';
import { fireKey, type JobTypeRow, type ModelDatabase, type TenantRow } from './model-database.js';
import type { Transaction } from './transaction.js';
import type { World } from './world.js';

export interface Limited {
  tenantId: string;
  jobType: string;
  concurrencyKey: string | null;
}

/** Clocks differ in rate by a thousandth, over the few seconds for which tokens are counted. */
const TOLERANCE_MS = 5;

export class Limits {
  /** When runs of each bucket have started. */
  readonly #starts = new Map<string, number[]>();
  /** By how much the server's clock has jumped forward. */
  aheadMs = 0;
  /** By how much it went back: what waits for it, waits longer. */
  behindMs = 0;

  constructor(
    private readonly world: World,
    private readonly db: ModelDatabase,
    /** Runs that were over once. */
    private readonly broughtBack: ReadonlySet<string>,
  ) {}

  /** Called when a replica starts a run. */
  judgeRate(run: Limited): void {
    const { tenant, jobType } = this.#limitsOf(run);
    this.#judgeBucket(`${run.tenantId}/`, tenant?.limits.rate);
    this.#judgeBucket(`${run.tenantId}/${run.jobType}`, jobType?.limits.rate);
  }

  /** Called when a handler starts, with all that execute, itself included. */
  judgeConcurrency(run: Limited, executing: readonly Limited[]): void {
    const { tenant, jobType } = this.#limitsOf(run);
    const ofTenant = executing.filter(({ tenantId }) => tenantId === run.tenantId);
    const ofType = ofTenant.filter((other) => other.jobType === run.jobType);
    const ofKey = ofType.filter(({ concurrencyKey }) => concurrencyKey === run.concurrencyKey);
    this.#compare(`runs of ${run.tenantId}`, ofTenant.length, tenant?.limits.maxConcurrent);
    this.#compare(`${run.jobType} runs of ${run.tenantId}`, ofType.length, jobType?.limits.maxConcurrent);
    if (run.concurrencyKey === null || isUnlimitedKey(run.concurrencyKey)) return;
    const ofSchedule = readScheduleKey(run.concurrencyKey)?.scheduleId;
    if (ofSchedule !== undefined)
      return this.#compare(
        `runs of ${ofSchedule}, whose runs must not overlap,`,
        executing.filter((other) => readScheduleKey(other.concurrencyKey)?.scheduleId === ofSchedule).length,
        1,
      );
    const what = `${run.jobType} runs of ${run.tenantId} with key ${run.concurrencyKey}`;
    this.#compare(what, ofKey.length, jobType?.limits.maxConcurrentPerKey);
  }

  /** Called as the transaction commits that decided about the due time. */
  judgePlan({ schedule, dueMs }: { schedule: string; dueMs: number }, tx: Transaction): void {
    const fire = this.db.fire.get(fireKey(schedule, dueMs), tx);
    const tenant = this.db.tenant.get(this.db.schedule.get(schedule, tx)?.tenantId ?? '');
    if (fire === null || tenant === null) return;
    const limit = tenant.limits.maxQueued ?? Number.POSITIVE_INFINITY;
    if (fire.reason === 'limit') return this.#judgeSkip(fire, limit);
    if (fire.run === null) return;
    const waiting = this.db.run
      .rows(tx)
      .filter((run) => run.tenantId === tenant.id && run.schedule !== null && !this.broughtBack.has(run.id));
    if (waiting.length <= limit) return;
    const story = `with ${fire.run}, ${waiting.length} runs of schedules of ${tenant.id} wait, allowed are ${limit}`;
    this.world.violate('no more is planned than may wait', story);
  }

  #judgeSkip({ schedule, dueMs }: { schedule: string; dueMs: number }, limit: number): void {
    const aheadMs = dueMs - this.world.server.wallMs();
    if (limit !== Number.POSITIVE_INFINITY && aheadMs <= this.behindMs) return;
    const story = `${fireKey(schedule, dueMs)}, ${Math.round(aheadMs)} ms ahead, is skipped for a limit of ${limit}`;
    this.world.violate('only what has passed is skipped', story);
  }

  #compare(what: string, count: number, limit = Number.POSITIVE_INFINITY): void {
    if (count > limit) this.world.violate('I7', `${count} ${what} execute at once, allowed are ${limit}`);
  }

  #judgeBucket(bucket: string, rate: RateLimit | undefined): void {
    if (rate === undefined) return;
    const nowMs = this.world.nowMs + this.aheadMs;
    const starts = [...(this.#starts.get(bucket) ?? []), nowMs];
    this.#starts.set(bucket, starts);
    const perMs = rate.count / (rate.perSeconds * 1_000);
    for (const [index, sinceMs] of starts.entries()) {
      const count = starts.length - index;
      if (count <= rate.count + (nowMs - sinceMs + TOLERANCE_MS) * perMs) continue;
      const story = `${count} runs of ${bucket} start within ${Math.round(nowMs - sinceMs)} ms, allowed are ${rate.count} and ${rate.count} in ${rate.perSeconds} s`;
      return this.world.violate('I7', story);
    }
  }

  #limitsOf({ tenantId, jobType }: Limited): { tenant: TenantRow | null; jobType: JobTypeRow | null } {
    return { tenant: this.db.tenant.get(tenantId), jobType: this.db.jobType.get(jobType) };
  }
}
