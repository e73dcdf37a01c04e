// Do real workers do real work? The one that users import and the one in Python, each against a replica, through what
// goes wrong.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
// What users import as 'carillon'.
import {
  CancelRun,
  defineJob,
  remoteHandler,
  RetryAt,
  runWorker,
  snooze,
  type NamedHandler,
  type WorkerOptions,
} from '#client/index.js';
import { Stopped } from '#client/worker/handled.js';
import { namesOfWorkers, readLines } from '../../support/pull-worker.js';
import { openDatabase } from '../../support/rows.js';
import { useTestServer } from '../../support/test-server.js';
import { createRun, finish, finishedRun, newName, readRun, useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const greeting = () =>
  defineJob({
    name: newName('greet'),
    payload: z.object({ to: z.string() }),
    retry: { maxAttempts: 2, minSeconds: 0, maxSeconds: 0 },
  });

/** Stopped when the test is over, if it is not before. */
function start(handlers: NamedHandler[], wish: Partial<WorkerOptions> = {}) {
  const { url } = server;
  const worker = runWorker({ url, key: tenant.key, tenant: tenant.name, handlers, ...wish });
  onTestFinished(() => worker.stop());
  return worker;
}

async function untilRegistered(jobType: string): Promise<void> {
  await until(`${jobType} is registered`, async () => {
    const { status } = await tenant.api.get(`${tenant.path}/job-types/${jobType}`);
    return status === 200;
  });
}

async function untilLogged(id: string, line: object): Promise<void> {
  const lines = await until(`run ${id} has a log`, async () => {
    const found = await readLines(tenant, id);
    return found.length > 0 && found;
  });
  expect(lines).toContainEqual(expect.objectContaining(line));
}

describe('runWorker', () => {
  it('handles runs with the job definitions that producers use', async () => {
    const greet = { ...greeting(), locks: ['greetings'] };
    start([
      remoteHandler(greet, ({ payload }, context) => {
        context.log.info({ to: payload.to }, 'greeting');
        const { idempotencyKey, attempt, locks } = context;
        return { greeting: `Hello, ${payload.to}`, run: idempotencyKey, attempt, locks };
      }),
    ]);
    await untilRegistered(greet.name);
    const run = await finish(tenant, { jobType: greet.name, payload: { to: 'Zoë' } });
    expect(run).toMatchObject({
      state: 'succeeded',
      output: {
        greeting: 'Hello, Zoë',
        run: run.id,
        attempt: 1,
        locks: { greetings: expect.any(Number) as number },
      },
      worker: expect.any(String) as string,
    });
    await untilLogged(run.id, { message: 'greeting', fields: { to: 'Zoë' } });
  });

  it('fails a payload that does not fit for good, and tries again what its handler throws', async () => {
    const greet = greeting();
    start([
      remoteHandler(greet, ({ payload }, { attempt }) => {
        if (attempt === 1) throw new RangeError(`${payload.to} is out`);
        return 'in';
      }),
    ]);
    await untilRegistered(greet.name);
    const [unfit, retried] = await Promise.all([
      finish(tenant, { jobType: greet.name, payload: { to: 7 } }),
      finish(tenant, { jobType: greet.name, payload: { to: 'Zoë' } }),
    ]);
    expect(unfit).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { name: 'InvalidPayload', message: expect.stringContaining('/payload/to: ') as string },
    });
    expect(retried).toMatchObject({ state: 'succeeded', attempt: 2, output: 'in' });
    expect(retried.pastAttempts).toMatchObject([{ error: { name: 'RangeError', message: 'Zoë is out' } }]);
  });

  it('puts off, comes back at a time and cancels as handlers in replicas do', async () => {
    const steered = defineJob({
      name: newName('steered'),
      payload: z.enum(['snooze', 'retry', 'cancel']),
      retry: { minSeconds: 3_600, maxSeconds: 3_600 },
    });
    start([
      remoteHandler(steered, ({ payload }, { attempt }) => {
        if (payload === 'cancel') throw new CancelRun('nobody wants it');
        if (attempt > 1) return 'done';
        if (payload === 'snooze') return snooze(0);
        throw new RetryAt(0.1);
      }),
    ]);
    await untilRegistered(steered.name);
    const [snoozed, retried, cancelled] = await Promise.all(
      ['snooze', 'retry', 'cancel'].map((payload) => finish(tenant, { jobType: steered.name, payload })),
    );
    expect(snoozed).toMatchObject({
      state: 'succeeded',
      output: 'done',
      pastAttempts: [{ outcome: 'snoozed' }],
    });
    // The policy would have waited for an hour.
    expect(retried).toMatchObject({
      state: 'succeeded',
      output: 'done',
      pastAttempts: [{ outcome: 'failed' }],
    });
    expect(cancelled).toMatchObject({ state: 'cancelled', error: { message: 'nobody wants it' } });
  });

  it('fails an output that does not fit its schema for good', async () => {
    const count = defineJob({
      name: newName('count'),
      payload: z.unknown(),
      output: z.object({ words: z.int() }),
    });
    // As JavaScript would.
    start([remoteHandler(count, () => ({ words: 'three' as never }))]);
    await untilRegistered(count.name);
    expect(await finish(tenant, { jobType: count.name, payload: {} })).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { name: 'InvalidOutput', message: expect.stringContaining('/words: ') as string },
    });
  });

  it('works on as many runs at once as its concurrency says, and on no more', async () => {
    const greet = greeting();
    let most = 0;
    let running = 0;
    const all = Promise.withResolvers<void>();
    start(
      [
        remoteHandler(greet, async () => {
          most = Math.max(most, (running += 1));
          if (running === 3) all.resolve();
          await all.promise;
          running -= 1;
        }),
      ],
      { concurrency: 3 },
    );
    await untilRegistered(greet.name);
    const runs = await Promise.all(
      Array.from({ length: 7 }, () => createRun(tenant, { jobType: greet.name, payload: { to: '' } })),
    );
    for (const run of runs) expect(await finishedRun(tenant, run)).toMatchObject({ state: 'succeeded' });
    expect(most).toBe(3);
  });

  it('aborts the handler when the run is cancelled, and the run ends as cancelled', async () => {
    const greet = greeting();
    const reasons: unknown[] = [];
    start([
      remoteHandler(greet, async (_job, { signal, heartbeat }) => {
        await until('it is told to stop', () => {
          heartbeat();
          return signal.aborted;
        });
        reasons.push(signal.reason);
        throw signal.reason;
      }),
    ]);
    await untilRegistered(greet.name);
    const created = await createRun(tenant, { jobType: greet.name, payload: { to: '' } });
    await until('it runs', async () => (await readRun(tenant, created.id)).state === 'running');
    const db = openDatabase(server.databaseUrl);
    await sql`update carillon.run set cancel_requested_at = clock_timestamp() where id = ${created.id}`.execute(
      db,
    );
    expect(await finishedRun(tenant, created)).toMatchObject({ state: 'cancelled' });
    expect(reasons).toEqual([expect.any(Stopped)]);
    expect(reasons).toMatchObject([{ why: 'cancelled' }]);
  });

  it('that stops lets running handlers finish, and gives back what takes too long', async () => {
    const greet = greeting();
    const begun = Promise.withResolvers<void>();
    const result = Promise.withResolvers<string>();
    const finishing = remoteHandler(greet, () => {
      begun.resolve();
      return result.promise;
    });
    const quick = start([finishing], { graceSeconds: 20 });
    await untilRegistered(greet.name);
    const created = await createRun(tenant, { jobType: greet.name, payload: { to: '' } });
    await begun.promise;
    const stopped = quick.stop();
    result.resolve('finished');
    await stopped;
    expect(await finishedRun(tenant, created)).toMatchObject({ state: 'succeeded', output: 'finished' });

    const slow = start([remoteHandler(greet, () => new Promise(() => undefined))], { graceSeconds: 0 });
    const second = await createRun(tenant, { jobType: greet.name, payload: { to: '' } });
    await until('it runs', async () => (await readRun(tenant, second.id)).state === 'running');
    await slow.stop();
    expect(await readRun(tenant, second.id)).toMatchObject({
      state: 'queued',
      attempt: 2,
      pastAttempts: [{ outcome: 'released' }],
    });
    start([remoteHandler(greet, () => 'by another')]);
    expect(await finishedRun(tenant, second)).toMatchObject({
      state: 'succeeded',
      output: 'by another',
      attempt: 2,
    });
  });

  it('says so and ends when it is refused for good', async () => {
    const worker = runWorker({
      url: server.url,
      key: 'wrong',
      tenant: tenant.name,
      handlers: [remoteHandler(greeting(), () => null)],
    });
    await expect(worker.ended).rejects.toMatchObject({ name: 'CallFailed', status: 401 });
  });
});

const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.warn('python3 is not installed: the worker in docs/examples is not tried');

describe.skipIf(!hasPython)('docs/examples/worker.py', () => {
  it('registers, works, fails as it says, and ends when it is told to', async () => {
    const script = join(import.meta.dirname, '../../../docs/examples/worker.py');
    const python = spawn('python3', [script], {
      env: {
        ...process.env,
        CARILLON_URL: server.url,
        CARILLON_TENANT: tenant.name,
        CARILLON_KEY: tenant.key,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void python.kill('SIGKILL'));
    await untilRegistered('py.word-count');
    const counted = await finish(tenant, { jobType: 'py.word-count', payload: { text: 'as easy as that' } });
    const progress = expect.objectContaining({ fraction: 1 }) as object;
    expect(counted).toMatchObject({ state: 'succeeded', output: { words: 4 }, attempt: 1, progress });
    await untilLogged(counted.id, { message: 'counting', fields: { words: 4 } });
    const failed = await finish(tenant, { jobType: 'py.fails', payload: {} });
    expect(failed).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { name: 'Fatal', message: 'this will never work' },
    });
    for (const output of ['datetime', 'nan', 'set', 'nul']) {
      const odd = await finish(tenant, { jobType: 'py.odd', payload: { output } });
      expect(odd).toMatchObject({ state: 'failed', attempt: 1, error: { name: 'UnfitOutput' } });
    }
    const fine = await finish(tenant, { jobType: 'py.odd', payload: { output: 'text' } });
    expect(fine).toMatchObject({ state: 'succeeded', attempt: 1, output: 'fine' });
    const fields = { at: expect.any(String) as string, share: 'nan', tags: "{'a'}" };
    await untilLogged(fine.id, { message: 'odd', fields });
    expect(await endOf(python)).toBe(0);
    expect(await namesOfWorkers(tenant)).not.toContain('python');
  });
});

/** Its exit code, after a polite request. */
async function endOf(child: ChildProcess): Promise<unknown> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = (await exited) as [number | null];
  return code;
}
