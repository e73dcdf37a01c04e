// Who works the user's own queue? A pg-boss of the harness's, as a user would run it, past every proxy. What it works on
// is kept: a run that was handed over must be there, once, and only if it has succeeded.
import { PgBoss } from 'pg-boss';
import { USER_QUEUE } from './tenants.js';

export interface QueueLine {
  readonly run: string;
  readonly atMs: number;
}

export class QueueConsumer {
  readonly lines: QueueLine[] = [];
  readonly #boss: PgBoss;

  private constructor(boss: PgBoss) {
    this.#boss = boss;
  }

  /** Installs pg-boss in the database, and makes the queue. */
  static async start(databaseUrl: string): Promise<QueueConsumer> {
    const boss = new PgBoss({ connectionString: databaseUrl, max: 2, supervise: false, schedule: false });
    boss.on('error', () => undefined); // the database is away now and then
    await boss.start();
    await boss.createQueue(USER_QUEUE);
    return new QueueConsumer(boss);
  }

  async work(): Promise<void> {
    await this.#boss.work(USER_QUEUE, { pollingIntervalSeconds: 0.5, batchSize: 20 }, async (jobs) => {
      this.lines.push(...jobs.map(({ id }) => ({ run: id, atMs: Date.now() })));
    });
  }

  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: false }).catch(() => undefined);
  }
}
