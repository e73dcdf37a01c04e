// Carries operations on, by pg-boss: some replica takes the job of one, which has nothing but its id, and takes its
// steps for some seconds. What decides is the operation's row: each step moves the instant at which it needs a carrier
// again. So one whose replica died gets a new job ten seconds later, one that waits gets one in time, and two jobs of
// one operation at once do no harm.
import { Inject, Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { Job, PgBoss } from 'pg-boss';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { asId, type OperationId } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { BACKFILL_KIND } from '#operations/backfill/backfill.js';
import { putDown, takeToCarry } from '#operations/operation.repository.js';
import { STEERING_KINDS } from '#operations/schedule-states/steer.js';
import { TENANT_CATCH_UP_KIND } from '#operations/tenant-catch-up/catch-up-tenant.js';
import { CARRIED_MS, takeStep, type OperationKinds } from '#operations/steps.js';
import { OPERATIONS } from '../http/operations/operation-starts.js';
import { LoopTimers } from '../loop-timers.js';
import { ReplicaService } from '../replica/replica-service.js';
import { API_DATABASE } from '../tokens.js';

const QUEUE = 'carillon-operations';
/** One job of an operation waits at most, however many are under way. A job is not repeated: a new one is made. */
const POLICY = { policy: 'short', retryLimit: 0, expireInSeconds: 60, deleteAfterSeconds: 3_600 } as const;
/** A replica that makes a job takes it at once; the polls are for jobs that others could not take. */
const WORK = { pollingIntervalSeconds: 60 } as const;
/** How many operations a replica carries at once. */
const WORKERS = 4;
const jobOf = z.object({ id: z.uuid() });

const PER_PASS = 50;
/** Then the others have their turn. */
const CARRY_MS_MAX = 10_000;
/** The database is the users', too. */
const REST_MS = 100;
const WAIT_MS = 500;
/** An operation that waits for longer is put down. */
const WAITS_MAX = 6;
const PUT_DOWN_MS = 3_000;

const KINDS: OperationKinds = new Map(
  [BACKFILL_KIND, TENANT_CATCH_UP_KIND, ...STEERING_KINDS].map((kind) => [kind.name, kind]),
);

@Injectable()
export class OperationCarrier implements Loop {
  readonly name = OPERATIONS.name;
  #boss: PgBoss | null = null;
  readonly #workers: string[] = [];
  #isOver = false;

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly replica: ReplicaService,
    private readonly timers: LoopTimers,
    private readonly logger: PinoLogger,
  ) {}

  /** With a pg-boss that has started. */
  async begin(boss: PgBoss): Promise<void> {
    await boss.createQueue(QUEUE, POLICY);
    for (let started = 0; started < WORKERS; started += 1)
      this.#workers.push(await boss.work(QUEUE, WORK, (jobs) => this.#carryAll(boss, jobs)));
    this.#boss = boss;
    this.timers.drive(this);
  }

  /** Makes jobs for operations that no replica carries. */
  async runOnce(): Promise<number> {
    const boss = this.#boss;
    if (boss === null) return SLEEP_MS;
    const ids = await takeToCarry(this.db, { limit: PER_PASS, forMs: CARRIED_MS });
    for (const id of ids) await boss.send(QUEUE, { id }, { singletonKey: id });
    if (ids.length > 0) this.#fetchNow(boss);
    return ids.length === PER_PASS ? 0 : SLEEP_MS;
  }

  /** Takes no further step. */
  end(): void {
    this.#isOver = true;
  }

  /** One job each time. */
  async #carryAll(boss: PgBoss, jobs: readonly Job<unknown>[]): Promise<void> {
    for (const { data, signal } of jobs) {
      const job = jobOf.safeParse(data);
      if (job.success) await this.#carry(asId.operation(job.data.id), signal);
    }
    // Others may wait for a worker.
    this.#fetchNow(boss);
  }

  #fetchNow(boss: PgBoss): void {
    for (const worker of this.#workers) boss.notifyWorker(worker);
  }

  async #carry(id: OperationId, signal: AbortSignal): Promise<void> {
    try {
      await this.#takeSteps(id, () => this.#isOver || signal.aborted);
    } catch (error) {
      // It gets another job once no replica has carried it for a while.
      this.logger.warn({ err: error, operation: id }, 'a step of an operation failed; it is tried again');
    }
  }

  async #takeSteps(id: OperationId, mustStop: () => boolean): Promise<void> {
    const untilMs = systemClock.monotonicMs() + CARRY_MS_MAX;
    let waits = 0;
    while (systemClock.monotonicMs() < untilMs && waits < WAITS_MAX && !mustStop()) {
      const end = await takeStep(this.db, id, KINDS);
      if (end.kind === 'over') return;
      if (end.kind === 'moved') {
        this.replica.hintWork([end.slot]);
        this.replica.hintPlan();
      }
      waits = end.kind === 'moved' ? 0 : waits + 1;
      await this.timers.rest(`operation ${id}`, end.kind === 'moved' ? REST_MS : WAIT_MS);
    }
    await putDown(this.db, { id, forMs: waits < WAITS_MAX ? 0 : PUT_DOWN_MS });
    if (waits < WAITS_MAX) this.timers.wake(this);
  }
}
