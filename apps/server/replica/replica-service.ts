// When does the replica begin and end? It begins once its API listens, because the cluster must know its address; it
// ends with the Nest application, after a drain.
import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { ReplicaNumber, RunId, Slot } from '#kernel/ids.js';
import type { Database } from '#database/connection.js';
import { givenPath } from '#database/sessions/given-path.js';
import { systemClock } from '#database/runtime/system-clock.js';
import type { TakenInRun } from '#execution/intake/run-intake.js';
import type { JobType } from '#execution/job-types/job-type.js';
import type { GatheredLine } from '#execution/reports/run-log.js';
import type { TakingIn } from '#execution/taking-in/taking-in.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { LeaseTokens } from '#execution/leases/lease-token.js';
import { SchemaChecks } from '#execution/schemas/schema-checks.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { registerSharedJobTypes } from '../jobs/shared-job-types.js';
import { LoopTimers } from '../loop-timers.js';
import type { ServerConfig } from '../settings/config.js';
import { adviceOnUrls } from '../settings/reachable-url.js';
import { API_DATABASE, CONFIG } from '../tokens.js';
import { drain } from './drain.js';
import { buildReplica, type Replica } from './replica.js';
import { logForOperator } from './operator-log.js';
import { connectWakeUps, hintWork, LOCK_WAITERS, RUN_WAITERS } from './wake-ups.js';

@Injectable()
export class ReplicaService implements BeforeApplicationShutdown {
  #replica: Replica | null = null;
  #hasBeaten = false;

  constructor(
    @Inject(CONFIG) private readonly config: ServerConfig,
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly registry: HandlerRegistry,
    private readonly tokens: LeaseTokens,
    private readonly checks: SchemaChecks,
    private readonly timers: LoopTimers,
    private readonly logger: PinoLogger,
  ) {}

  async start({ url, version }: { url: string; version: string }): Promise<void> {
    const advice = adviceOnUrls(this.config);
    if (advice !== null) this.logger.warn(advice);
    await registerSharedJobTypes(this.db, this.registry);
    const replica = buildReplica({
      config: this.config,
      registry: this.registry,
      url,
      version,
      handlerPath: await givenPath(this.config.DATABASE_URL),
      tokens: this.tokens,
      checks: this.checks,
      onError: (error) => this.logger.warn({ err: error }, 'a connection broke'),
      onCallFailed: ({ error, ...where }) =>
        this.logger.warn({ err: error, ...where }, 'a call to an endpoint had no answer'),
    });
    await replica.membership.checkSession();
    this.#replica = replica;
    replica.membership.beaten.subscribe(() => {
      this.#hasBeaten = true;
    });
    connectWakeUps(replica, this.timers);
    logForOperator(replica, this.logger);
    for (const loop of replica.loops) this.timers.drive(loop);
  }

  /** True while this replica is a member that may act. */
  get isReady(): boolean {
    return (
      this.#replica !== null &&
      this.#replica.membership.trusted() !== null &&
      !this.#replica.membership.isDraining
    );
  }

  /**
   * True when this replica was a member and no longer knows whether it is one. Its reads may then come from a former
   * primary, behind a pooler that has not noticed the change.
   */
  get hasLostTouch(): boolean {
    const membership = this.#replica?.membership;
    return (
      membership !== undefined && this.#hasBeaten && membership.trusted() === null && !membership.isDraining
    );
  }

  /** Runs of this job type, which has just been read, will come soon. */
  expectRuns({ id, name, slot }: Pick<Tenant, 'id' | 'name' | 'slot'>, jobType: JobType): void {
    // Another owner reads the job type itself.
    if (this.#replica?.ownership.serving.has(slot) === true)
      this.#replica.targets.expect({ id, name }, jobType);
  }

  /** Inserts and claims a run that comes alone; null when this replica can't, and nothing was written. */
  async takeIn(...asked: Parameters<TakingIn['take']>): Promise<TakenInRun | null> {
    return (await this.#replica?.takingIn.take(...asked)) ?? null;
  }

  /** New runs wait in these slots. */
  hintWork(slots: Slot[]): void {
    if (this.#replica !== null) hintWork(this.#replica, this.timers, slots);
  }

  /** Where clients reach the owner of the slot. Null where that is this replica, or it has no public URL. */
  ownerUrl(slot: Slot): string | null {
    // Slots that have just come here may still be remembered as another's.
    if (this.#replica?.ownership.serving.has(slot) === true) return null;
    return this.#replica?.ownerUrls.ofSlot(slot) ?? null;
  }

  /** A request wants runs cancelled. */
  hintCancel(): void {
    this.#replica?.hints.send({ kind: 'cancel' });
  }

  /** Callers here wait for runs to end. */
  hintAwaited(): void {
    const by = this.#replica?.membership.incarnation?.replica;
    if (by !== undefined) this.#replica?.hints.send({ kind: 'awaited', by });
  }

  /** A caller here waits for the run until the answer is called. */
  awaitEnd(id: RunId): () => void {
    return this.#replica?.settleLoop.awaitEnd(id) ?? (() => undefined);
  }

  /** A run has ended by a request to this replica. */
  wakeRunWaiters(): void {
    this.timers.wake(RUN_WAITERS);
  }

  /** A lock was released that callers wait for, here or elsewhere. */
  hintLocks(): void {
    this.#wakeLocks();
    this.#replica?.hints.send({ kind: 'locks' });
  }

  /** A lock was released for which those wait at these replicas who are next. */
  hintLocksAt(replicas: readonly ReplicaNumber[]): void {
    for (const to of replicas) {
      if (to === this.number) this.#wakeLocks();
      else this.#replica?.hints.send({ kind: 'locks', to });
    }
  }

  #wakeLocks(): void {
    this.timers.wake(LOCK_WAITERS);
    if (this.#replica !== null) this.timers.wake(this.#replica.runLocks);
  }

  /** Of this replica's incarnation; null while it is no member. */
  get number(): ReplicaNumber | null {
    return this.#replica?.membership.incarnation?.replica ?? null;
  }

  /** A schedule is new or has changed. */
  hintPlan(): void {
    this.#replica?.hints.send({ kind: 'plan' });
  }

  /** Why this pg-boss queue of a user's takes no jobs; null when it does, or when this replica ends and can't know. */
  async whyNoQueue(queue: string): Promise<string | null> {
    return (await this.#replica?.queues.whyNot(queue)) ?? null;
  }

  /** Takes lines that a remote worker has gathered into the logs of its runs. */
  noteLogLines(lines: readonly GatheredLine[]): void {
    this.#replica?.runLog.noteLogLines(lines, this.#replica.membership.incarnation?.replica ?? null);
  }

  async beforeApplicationShutdown(): Promise<void> {
    const replica = this.#replica;
    if (replica === null) return this.timers.stop();
    this.#replica = null;
    await drain({
      replica,
      timers: this.timers,
      drainMs: this.config.CARILLON_DRAIN_SECONDS * 1_000,
      monotonicMs: () => systemClock.monotonicMs(),
      onError: (error) => this.logger.warn({ err: error }, 'the drain was cut short'),
    });
  }
}
