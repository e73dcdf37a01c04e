// Who keeps the house? The control plane's own durable work is pg-boss's: a job that was asked for is done
// once by some replica, and again if that replica dies over it. For now that is the day partitions, made
// ahead and dropped after their retention, every hour.
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { PgBoss, fromKysely } from 'pg-boss';
import type { Database } from '#database/connection.js';
import { maintainPartitions, type Retention } from '#database/partitions.js';
import { systemClock } from '#database/runtime/system-clock.js';
import type { ServerConfig } from './config.js';
import { API_DATABASE, CONFIG } from './tokens.js';

const PARTITIONS = 'partitions';

@Injectable()
export class Maintenance implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #boss: PgBoss;
  readonly #retention: Retention;

  constructor(
    @Inject(CONFIG) private readonly config: ServerConfig,
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly logger: PinoLogger,
  ) {
    this.#retention = { fireDays: config.CARILLON_FIRE_RETENTION_DAYS, historyDays: config.CARILLON_HISTORY_RETENTION_DAYS };
    // Its monitoring is for queues with traffic; ours has one job an hour.
    this.#boss = new PgBoss({ db: fromKysely(db.withoutPlugins()), schema: 'pgboss', monitorIntervalSeconds: 600, maintenanceIntervalSeconds: 86_400 });
    this.#boss.on('error', (error) => this.logger.warn({ err: error }, 'pg-boss had a problem; it tries again'));
  }

  async onApplicationBootstrap(): Promise<void> {
    // Today's partitions can't wait for a job: the first run may end in a second.
    await this.#maintain();
    if (!this.config.CARILLON_ROLES.includes('scheduler')) return;
    await this.#boss.start();
    await this.#boss.createQueue(PARTITIONS, { policy: 'singleton', retryLimit: 5, retryBackoff: true });
    await this.#boss.schedule(PARTITIONS, '7 * * * *');
    await this.#boss.work(PARTITIONS, { pollingIntervalSeconds: 60 }, () => this.#maintain());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#boss.stop({ graceful: true, timeout: 5_000 });
  }

  async #maintain(): Promise<void> {
    const { created, dropped } = await maintainPartitions(this.db, { retention: this.#retention, now: systemClock.now() });
    if (created + dropped > 0) this.logger.info({ created, dropped }, 'kept the day partitions');
  }
}
