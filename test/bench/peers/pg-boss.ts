// How is pg-boss used at its best? Four local workers fetch batches of a thousand and go on at once while batches are
// full; inserts wake them (notify). These were the fastest of the settings that its manual offers for throughput.
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import type { Payload, Peer } from './peer.js';

const QUEUE = 'noop';
const WORK = {
  batchSize: 1_000,
  localConcurrency: 4,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: 0.5,
} as const;

async function start(url: string, { listens, migrates }: { listens: boolean; migrates: boolean }) {
  const boss = new PgBoss({
    connectionString: url,
    max: 10,
    migrate: migrates,
    schedule: false,
    supervise: false,
    useListenNotify: listens,
  });
  boss.on('error', (error) => console.error(`pg-boss: ${error.message}`));
  return boss.start();
}

export const pgBoss: Peer = {
  name: 'pg-boss',

  async migrate(url) {
    const boss = await start(url, { listens: false, migrates: true });
    await boss.createQueue(QUEUE, { notify: true });
    await boss.stop({ graceful: false });
  },

  async openQueue(url) {
    const boss = await start(url, { listens: false, migrates: false });
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    return {
      add: (payload) => boss.send(QUEUE, payload),
      addMany: (payloads) =>
        boss.insert(
          QUEUE,
          payloads.map((data) => ({ data })),
        ),
      isEmpty: async () => {
        const { rows } = await pool.query(
          `select /* bench */ 1 from pgboss.job where name = '${QUEUE}' and state < 'completed' limit 1`,
        );
        return rows.length === 0;
      },
      clear: () => boss.deleteAllJobs(QUEUE),
      close: async () => {
        await boss.stop({ graceful: false });
        await pool.end();
      },
    };
  },

  async openWorker(url) {
    const boss = await start(url, { listens: true, migrates: false });
    return {
      begin: async (onRun) => {
        await boss.work<Payload>(QUEUE, WORK, async (jobs) => {
          for (const { data } of jobs) onRun(data);
        });
      },
      halt: () => boss.offWork(QUEUE, { wait: true }),
    };
  },
};
