// How is BullMQ used at its best on PostgreSQL? One worker that processes up to 32 jobs at once, the upper end of what
// its guide calls its fastest, on a pool of the same size, and jobs are removed when they are done.
import { createPostgresBackend, runMigrations, withBackend } from 'bullmq';
import pg from 'pg';
import type { Payload, Peer } from './peer.js';

const QUEUE = 'noop';
const AT_ONCE = 32;
const { Queue, Worker } = withBackend(createPostgresBackend);
const connectionOf = (url: string) => ({ connectionString: url, max: AT_ONCE });

export const bullmq: Peer = {
  name: 'bullmq',

  async migrate(url) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await runMigrations(client);
    } finally {
      await client.end();
    }
  },

  async openQueue(url) {
    const queue = new Queue<Payload>(QUEUE, {
      connection: connectionOf(url),
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    queue.on('error', () => undefined);
    await queue.waitUntilReady();
    return {
      add: (payload) => queue.add(QUEUE, payload),
      addMany: (payloads) => queue.addBulk(payloads.map((data) => ({ name: QUEUE, data }))),
      isEmpty: async () =>
        (await queue.getJobCountByTypes('waiting', 'active', 'prioritized', 'delayed')) === 0,
      clear: () => queue.obliterate({ force: true }),
      close: () => queue.close(),
    };
  },

  async openWorker(url) {
    const open = (onRun: (payload: Payload) => void) =>
      new Worker<Payload>(QUEUE, async ({ data }) => onRun(data), {
        connection: connectionOf(url),
        concurrency: AT_ONCE,
        autorun: false,
      });
    let worker: ReturnType<typeof open> | undefined;
    return {
      begin: async (onRun) => {
        worker = open(onRun);
        worker.on('error', () => undefined);
        await worker.waitUntilReady();
        void worker.run();
      },
      halt: async () => {
        await worker?.close();
      },
    };
  },
};
