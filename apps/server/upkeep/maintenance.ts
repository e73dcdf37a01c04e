// Runs the control plane's own durable work by pg-boss: some replica does each job once, and another repeats it if
// that replica dies. The jobs, each hourly: create the day partitions ahead and drop them after their retention;
// apply tenants' shorter retention; and clean up after requests and keys. Operations are carried by it as well
// (operation-carrier.ts). pg-boss has two connections of its own,
// because it opens transactions by plain statements, which a shared pool would mix up. It also has a schema of its
// own, which is never the users' (CARILLON_QUEUE_SCHEMA).
import { once } from 'node:events';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { PgBoss } from 'pg-boss';
import { deleteOldEvents } from '#cluster/cluster-event.repository.js';
import { pinnedSession, type Database } from '#database/connection.js';
import { DatabaseClient } from '#database/database-client.js';
import { maintainPartitions, type Retention } from '#database/migrating/partitions.js';
import { databaseTime } from '#database/time.repository.js';
import { forgetEndedRuns } from '#execution/run-actions/retention.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { forgetRevisions } from '#scheduling/revisions/revision.repository.js';
import { BOSS_SCHEMA, type ServerConfig } from '../settings/config.js';
import { BOSS_CONNECTIONS } from '../settings/connection-budget.js';
import { clearAway } from './enqueue-upkeep.js';
import { removeFormerQueues } from './former-queues.repository.js';
import { OperationCarrier } from './operation-carrier.js';
import { LoopTimers } from '../loop-timers.js';
import { API_DATABASE, CONFIG } from '../tokens.js';

const STOP_MS = 5_000;
const BOSS_CONNECTION = {
  Client: DatabaseClient,
  statement_timeout: 10_000,
  query_timeout: 10_000,
  idle_in_transaction_session_timeout: 10_000,
  connectionTimeoutMillis: 5_000,
};
/** No job type may name a queue with this prefix, which all of ours have. */
const PARTITIONS = 'carillon-partitions';
const ENQUEUE_UPKEEP = 'carillon-enqueue-upkeep';
/** A job may take as long as the pause to the next one; then it must stop, and the next one continues. */
const QUEUE = { policy: 'singleton', retryLimit: 5, retryBackoff: true, expireInSeconds: 3_500 } as const;
/** The schema of an earlier version. */
const FORMER_SCHEMA = 'pgboss';

@Injectable()
export class Maintenance implements Loop, OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly name = 'maintenance';
  #boss: PgBoss | null = null;
  #starting: Promise<PgBoss> | null = null;
  #stopping = false;
  #first: Promise<void> = Promise.resolve();
  readonly #retention: Retention;
  /** Not in the constructor, which has its four parameters. */
  @Inject() private readonly carrier!: OperationCarrier;

  constructor(
    @Inject(CONFIG) private readonly config: ServerConfig,
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly timers: LoopTimers,
    private readonly logger: PinoLogger,
  ) {
    this.#retention = {
      fireDays: config.CARILLON_FIRE_RETENTION_DAYS,
      historyDays: config.CARILLON_HISTORY_RETENTION_DAYS,
      logDays: config.CARILLON_LOG_RETENTION_DAYS,
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    // Today's partitions can't wait for a job: the first run may end in a second. Where a long reader is in the way,
    // the default partitions take new rows until the job has made its own.
    this.#first = this.#maintain().catch((error: unknown) =>
      this.logger.warn({ err: error }, 'the day partitions could not be maintained; a job tries again'),
    );
    await this.#first;
    if (this.config.CARILLON_ROLES.includes('scheduler')) this.timers.drive(this);
  }

  /** Starts pg-boss, and retries until it runs: replicas that start together may get in each other's way. */
  async runOnce(): Promise<number> {
    if (this.#boss !== null || this.#stopping) return SLEEP_MS;
    this.#starting = this.#start();
    this.#boss = await this.#starting;
    return SLEEP_MS;
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    // If the start fails elsewhere, the pool is closed next, which would fail this one for a misleading reason.
    await this.#first;
    // A pg-boss that is just starting would otherwise go on without an owner.
    const boss = await this.#starting?.catch(() => null);
    this.carrier.end();
    // Closing a connection whose other end is gone takes as long as TCP tries; it is idle, so the process may end without.
    const stopped = boss?.stop({ graceful: true, timeout: STOP_MS });
    await Promise.race([stopped, once(AbortSignal.timeout(2 * STOP_MS), 'abort')]);
  }

  async #start(): Promise<PgBoss> {
    const boss = new PgBoss({
      ...pinnedSession(this.config.DATABASE_URL),
      application_name: 'carillon-upkeep',
      max: BOSS_CONNECTIONS,
      schema: BOSS_SCHEMA,
      // A migration has made it; pg-boss would need the right to make any.
      createSchema: false,
      // Its pool gets all of these options; without them it would wait for ever for a lost answer.
      ...BOSS_CONNECTION,
      // Its monitoring is meant for queues with traffic; ours have a few jobs an hour.
      monitorIntervalSeconds: 600,
      // None of our jobs waits for another.
      flowIntervalSeconds: 600,
    });
    boss.on('error', (error) => this.logger.warn({ err: error }, 'pg-boss had a problem; it tries again'));
    try {
      await boss.start();
      await boss.createQueue(PARTITIONS, QUEUE);
      await boss.schedule(PARTITIONS, '7 * * * *');
      await boss.work(PARTITIONS, { pollingIntervalSeconds: 60 }, async ([job]) => {
        await this.#maintain();
        await this.#forget(job?.signal);
      });
      await boss.createQueue(ENQUEUE_UPKEEP, QUEUE);
      await boss.schedule(ENQUEUE_UPKEEP, '37 * * * *');
      await boss.work(ENQUEUE_UPKEEP, { pollingIntervalSeconds: 60 }, ([job]) =>
        clearAway(this.db, job?.signal),
      );
      await this.carrier.begin(boss);
      await this.#removeFormer();
      return boss;
    } catch (error) {
      await boss.stop({ graceful: false }).catch(() => undefined);
      throw error;
    }
  }

  async #removeFormer(): Promise<void> {
    const former = { schema: FORMER_SCHEMA, queues: [PARTITIONS, ENQUEUE_UPKEEP] };
    // The schema may be the users' by now, and closed to us.
    await removeFormerQueues(this.db, former).catch((error: unknown) =>
      this.logger.warn(
        { err: error, schema: FORMER_SCHEMA },
        "an earlier version's queues could not be removed",
      ),
    );
  }

  async #maintain(): Promise<void> {
    const { created, dropped } = await maintainPartitions(this.db, {
      retention: this.#retention,
      now: await databaseTime(this.db),
    });
    const olderThanDays = this.config.CARILLON_FIRE_RETENTION_DAYS;
    await deleteOldEvents(this.db, { olderThanDays });
    await forgetRevisions(this.db, { olderThanDays });
    if (created + dropped > 0) this.logger.info({ created, dropped }, 'maintained the day partitions');
  }

  async #forget(signal?: AbortSignal): Promise<void> {
    const forgotten = await forgetEndedRuns(this.db, {
      installationDays: this.#retention.historyDays,
      ...(signal === undefined ? {} : { signal }),
    });
    if (forgotten > 0) this.logger.info({ forgotten }, "deleted runs after their tenants' retention");
  }
}
