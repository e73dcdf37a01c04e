// Does a run of kind `queue` become a job in the user's own pg-boss, in the very transaction that completes it?
import { PgBoss } from 'pg-boss';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import { insertJobType } from '#execution/job-types/job-type.repository.js';
import { useTestDatabase } from '../../support/test-database.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { count, history } from '../../support/run-rows.js';
import { startLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

/** The user's own pg-boss, with a queue. */
async function startBoss(...queues: Parameters<PgBoss['createQueue']>[]): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: database.url, max: 2, supervise: false, schedule: false });
  boss.on('error', () => undefined);
  await boss.start();
  onTestFinished(() => boss.stop({ graceful: false }));
  for (const queue of queues) await boss.createQueue(...queue);
  return boss;
}

async function startQueueWorker(queue: string) {
  const owner = await startOwner(await startLoneMember(database.url));
  const tenant = await addTenant(db, 'acme', { allowedQueues: [queue] });
  await insertJobType(db, tenant.id, {
    name: 'mail.hand-over',
    target: { kind: 'queue', queue },
    retry: { ...DEFAULT_RETRY, minMs: 3_600_000, maxMs: 3_600_000 },
    timeoutMs: 10_000,
    limits: {},
    payloadSchema: null,
  });
  return {
    finish: async (payload: unknown) => {
      const [id] = await addRuns(db, tenant, 1, { jobType: 'mail.hand-over', payload, priority: 7 });
      await owner.claimAll();
      await owner.finish();
      return id;
    },
  };
}

describe('a job type of kind queue', () => {
  it("hands its runs to the user's worker, once each", async () => {
    const boss = await startBoss(['mail']);
    const { finish } = await startQueueWorker('mail');
    const worked: unknown[] = [];
    await boss.work('mail', { pollingIntervalSeconds: 0.5, includeMetadata: true }, async (jobs) => {
      worked.push(...jobs.map(({ id, data, priority }) => ({ id, data, priority })));
    });
    const id = await finish({ to: 'ada@example.org' });
    expect(await history(db)).toMatchObject([{ outcome: 'succeeded', output: { queue: 'mail', jobId: id } }]);
    await until('the worker has the job', () => worked.length > 0);
    expect(worked).toEqual([{ id, data: { to: 'ada@example.org' }, priority: 7 }]);
  });

  it('fails for good where there is no such queue, and says so', async () => {
    await startBoss();
    const { finish } = await startQueueWorker('nowhere');
    await finish({});
    const [run] = await history(db);
    expect(run?.outcome).toBe('failed');
    // And no stack: its frames are places in the operator's files.
    expect(run?.error).toEqual({
      name: 'FatalError',
      message: 'expected a pg-boss queue nowhere in the schema pgboss, found none',
    });
  });

  it('is tried again where the queue is full by its own policy, or pg-boss is not installed yet', async () => {
    const { finish } = await startQueueWorker('one');
    await finish({});
    const boss = await startBoss(['one', { policy: 'short' }]);
    await finish({});
    await finish({});
    expect(await history(db)).toMatchObject([{ outcome: 'succeeded' }]);
    const errors = await db.selectFrom('run').select('past_attempts').orderBy('id').execute();
    expect(errors.map(({ past_attempts: past }) => past)).toMatchObject([
      [{ outcome: 'failed', error: { message: expect.stringContaining('not installed') as string } }],
      [{ outcome: 'failed', error: { message: expect.stringContaining('its policy refused it') as string } }],
    ]);
    expect([await count(db, 'run'), (await boss.fetch('one', { batchSize: 10 })).length]).toEqual([2, 1]);
  });
});
