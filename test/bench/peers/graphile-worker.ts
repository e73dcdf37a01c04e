// How is graphile-worker used at its best? A local queue of 500 jobs, 24 at once, and completions in batches: the
// settings of its performance page, and the fastest of those around them.
import { Logger, makeWorkerUtils, run, runMigrations, type Runner } from 'graphile-worker';
import pg from 'pg';
import type { Payload, Peer } from './peer.js';

const TASK = 'noop';
const POOL = 10;
const preset = {
  worker: {
    concurrentJobs: 24,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  },
};
/** Says nothing: a line for each job would be measured, too. */
const logger = new Logger(() => () => undefined);

function poolOf(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: POOL });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

export const graphileWorker: Peer = {
  name: 'graphile-worker',

  migrate: (url) => runMigrations({ connectionString: url, logger }),

  async openQueue(url) {
    const pgPool = poolOf(url);
    const utils = await makeWorkerUtils({ pgPool, logger });
    return {
      add: (payload) => utils.addJob(TASK, payload),
      addMany: (payloads) => utils.addJobs(payloads.map((payload) => ({ identifier: TASK, payload }))),
      isEmpty: async () => {
        const { rows } = await pgPool.query(
          'select /* bench */ 1 from graphile_worker._private_jobs limit 1',
        );
        return rows.length === 0;
      },
      clear: () => pgPool.query('truncate /* bench */ graphile_worker._private_jobs'),
      close: async () => {
        await utils.release();
        await pgPool.end();
      },
    };
  },

  async openWorker(url) {
    const pgPool = poolOf(url);
    let runner: Runner | undefined;
    return {
      begin: async (onRun) => {
        runner = await run({
          pgPool,
          preset,
          logger,
          noHandleSignals: true,
          taskList: { [TASK]: (payload) => onRun(payload as Payload) }, // nothing else is put in
        });
      },
      halt: async () => {
        await runner?.stop();
      },
    };
  },
};
