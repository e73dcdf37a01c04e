// Is anything that a worker's handler says ever held against its work? All that it logs, tells of its progress, returns
// or throws: the lease is kept while it works, and the run ends once, with the real reason.
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineJob, remoteHandler, runWorker, type RemoteContext } from '#client/index.js';
import { readLines } from '../../support/pull-worker.js';
import { useTestServer } from '../../support/test-server.js';
import { finish, newName, useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

/** Runs one run of a job of its own to its end. */
async function finishOne(handle: (context: RemoteContext) => unknown) {
  const name = newName('spoken');
  const job = defineJob({
    name,
    payload: z.unknown(),
    retry: { maxAttempts: 3, minSeconds: 0, maxSeconds: 0 },
  });
  const errors: string[] = [];
  const worker = runWorker({
    url: server.url,
    key: tenant.key,
    tenant: tenant.name,
    handlers: [remoteHandler(job, (_job, context) => handle(context))],
    onError: ({ message }) => errors.push(message),
  });
  onTestFinished(() => worker.stop());
  const { api, path } = tenant;
  await until(`${name} is registered`, async () => {
    const { status } = await api.get(`${path}/job-types/${name}`);
    return status === 200;
  });
  const run = await finish(tenant, { jobType: name, payload: {} });
  return { run, errors };
}

const circle: Record<string, unknown> = {};
circle['self'] = circle;

describe('what a handler says while it works', () => {
  it.each<[string, (context: RemoteContext) => void]>([
    ['progress that is no number', ({ progress }) => progress(Number.NaN)],
    ['a message of 2,000 characters', ({ progress }) => progress(0.5, 'x'.repeat(2_000))],
    ['a message with NUL', ({ progress }) => progress(0.5, 'a\0b')],
    ['a message with half a pair', ({ progress }) => progress(0.5, 'a\ud800')],
    [
      'details that JSON can not say',
      ({ heartbeat }) => {
        expect(() => heartbeat({ n: 1n })).toThrow(TypeError);
        expect(() => heartbeat(circle)).toThrow(TypeError);
      },
    ],
    ['fields in a circle', ({ log }) => log.info(circle, 'round')],
    ['fields with a BigInt', ({ log }) => log.info({ n: 1n }, 'large')],
    ['a line with NUL', ({ log }) => log.warn('a\0b')],
  ])('never costs it its lease: %s', async (_what, speak) => {
    const { run, errors } = await finishOne(async (context) => {
      speak(context);
      context.log.info('spoken');
      // Two beats at least, of which the first bears what was said.
      context.heartbeat({ said: true });
      await until('it is heard', async () => {
        const { body } = await tenant.api.get(`${tenant.path}/runs/${context.runId}/logs`);
        return (body as { items: { message: string }[] }).items.some(({ message }) => message === 'spoken');
      });
      expect(context.signal.aborted).toBe(false);
      return 'done';
    });
    expect(run).toMatchObject({ state: 'succeeded', attempt: 1, output: 'done', pastAttempts: [] });
    expect(errors).toEqual([]);
    const messages = (await readLines(tenant, run.id)).map(({ message }) => message);
    expect(messages).toContain('spoken');
  });
});

describe('an output that can not be told', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['a circle', () => circle, /circular/],
    ['a BigInt', () => ({ n: 1n }), /BigInt/],
    ['NUL', () => ({ text: 'a\0' }), /^\/text: expected text without NUL/],
    ['half a surrogate pair', () => '\ud800', /lone surrogates/],
    ['more than 256 KiB', () => 'x'.repeat(300_000), /at most 262144 bytes/],
    ['more than a request may have', () => 'x'.repeat(2_000_000), /at most 262144 bytes/],
  ])('fails the run once, with the reason: %s', async (_what, output, reason) => {
    const { run } = await finishOne(output);
    expect(run).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { name: 'UnfitOutput', message: expect.stringMatching(reason) as string },
    });
  });
});

describe('an error that can not be told as it is', () => {
  it.each<[string, unknown, object]>([
    ['NUL in its message', new Error('a\0b'), { name: 'Error', message: 'a\uFFFDb' }],
    ['a message that is no string', Object.assign(new Error(''), { message: 7 }), { message: '7' }],
    ['no name', Object.assign(new Error('x'), { name: '' }), { name: 'Error', message: 'x' }],
  ])('is told by what can be: %s', async (_what, thrown, error) => {
    const { run } = await finishOne(() => {
      throw thrown;
    });
    expect(run).toMatchObject({ state: 'dead-lettered', attempt: 3, error });
    expect(run.pastAttempts).toMatchObject([{ outcome: 'failed' }, { outcome: 'failed' }]);
  });
});
