// Does a tried handler meet what it would meet in a replica?
import { afterEach, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { handler } from '#client/jobs/handler.js';
import { defineJob } from '#client/jobs/job-definition.js';
import { CancelRun, FatalError, RetryAt, snooze } from '#client/jobs/outcomes.js';
import { remoteHandler } from '#client/worker/run-worker.js';
import { attempt } from './attempt.js';

const resize = defineJob({
  name: 'resize',
  payload: z.object({ path: z.string(), at: z.coerce.date().default(() => new Date(0)) }),
  output: z.object({ bytes: z.number() }),
  timeoutSeconds: 5,
  retry: { maxAttempts: 3, backoff: 'linear', minSeconds: 2, maxSeconds: 60 },
});
const notify = defineJob({ name: 'notify', payload: z.object({ to: z.string() }) });
const ends = (thrown: unknown) =>
  handler(resize, () => {
    throw thrown;
  });

afterEach(() => {
  vi.useRealTimers();
});

it('gives the payload as it arrives, and tells what the handler said', async () => {
  const resizing = handler(resize, async ({ payload }, { log, progress, heartbeat, enqueue, ...told }) => {
    log.info({ path: payload.path }, 'resizing');
    log.warn('slow');
    progress(7, 'half');
    heartbeat({ row: 9 });
    await enqueue(notify, { to: 'ada' }, { priority: 3 });
    return { bytes: payload.at.getTime() + told.attempt };
  });
  const given = { attempt: 2, lastDetails: { row: 4 }, dueAt: new Date(5) };
  expect(await attempt(resizing, { path: 'a.png', at: new Date(40) }, given)).toEqual({
    outcome: 'succeeded',
    output: { bytes: 42 },
    error: null,
    nextInSeconds: null,
    logs: [
      { level: 'info', message: 'resizing', fields: { path: 'a.png' } },
      { level: 'warn', message: 'slow' },
    ],
    progress: [{ fraction: 1, message: 'half' }],
    details: { row: 9 },
    enqueued: [{ id: expect.any(String), job: 'notify', payload: { to: 'ada' }, options: { priority: 3 } }],
  });
});

it('tells what the next attempt would have: its details and its time', async () => {
  const error = { name: 'Error', message: 'no' };
  const failing = ends(new Error('no'));
  expect(await attempt(failing, { path: 'a' }, { lastDetails: 7 })).toMatchObject({
    outcome: 'retried',
    nextInSeconds: 2,
    details: 7,
    error,
  });
  expect(await attempt(failing, { path: 'a' }, { attempt: 2 })).toMatchObject({ nextInSeconds: 4 });
  const last = await attempt(failing, { path: 'a' }, { attempt: 3 });
  expect(last).toMatchObject({ outcome: 'dead-lettered', nextInSeconds: null, error });
});

it.each([
  [new FatalError('gone'), { outcome: 'failed', error: { message: 'gone' }, nextInSeconds: null }],
  [new RetryAt(90), { outcome: 'retried', nextInSeconds: 90 }],
  [snooze(30), { outcome: 'snoozed', nextInSeconds: 30, error: null }],
  [new CancelRun('moot'), { outcome: 'cancelled', error: { message: 'moot' } }],
  ['a text', { outcome: 'retried', error: { name: 'NonError' } }],
])('judges %s', async (thrown, expected) => {
  expect(await attempt(ends(thrown), { path: 'a' })).toMatchObject(expected);
});

it('judges a job without a policy by the default', async () => {
  const failing = remoteHandler(notify, () => {
    throw new Error('no');
  });
  expect(await attempt(failing, { to: 'a' }, { attempt: 4 })).toMatchObject({
    outcome: 'retried',
    nextInSeconds: 8,
  });
  expect(await attempt(failing, { to: 'a' }, { attempt: 5 })).toMatchObject({ outcome: 'dead-lettered' });
});

it('refuses what no run could be created with, and fails an output that does not fit', async () => {
  const odd = handler(resize, () => ({ bytes: 'many' }) as never);
  await expect(attempt(odd, { path: 7 })).rejects.toThrow('/payload/path');
  expect(await attempt(odd, { path: 'a' })).toMatchObject({
    outcome: 'failed',
    error: { name: 'InvalidOutput', message: expect.stringContaining('/bytes') as string },
  });
  const big = handler(notify, () => 'x'.repeat(300_000));
  expect(await attempt(big, { to: 'a' })).toMatchObject({
    outcome: 'failed',
    error: { name: 'UnfitOutput' },
  });
  const vague = handler(notify, (_job, { heartbeat }) => heartbeat(1n));
  expect(await attempt(vague, { to: 'a' })).toMatchObject({
    outcome: 'retried',
    error: { name: 'TypeError' },
  });
});

it('stops an attempt that takes too long, or whose run is cancelled', async () => {
  vi.useFakeTimers();
  const reasons: unknown[] = [];
  const hanging = handler(resize, (_job, { signal }) => {
    signal.addEventListener('abort', () => reasons.push((signal.reason as { why: string }).why));
    return new Promise<never>(() => undefined);
  });
  const slow = attempt(hanging, { path: 'a' });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await slow).toMatchObject({ outcome: 'retried', error: { name: 'AttemptStopped' } });
  const cancel = new AbortController();
  const cancelled = attempt(hanging, { path: 'a' }, { signal: cancel.signal });
  await vi.advanceTimersByTimeAsync(0);
  cancel.abort();
  expect(await cancelled).toMatchObject({ outcome: 'cancelled', error: null });
  expect(reasons).toEqual(['timeout', 'cancelled']);
  expect(vi.getTimerCount()).toBe(0);
});

it('ends with the transaction of completeInTx, where the test gives one', async () => {
  const completing = handler(notify, async (_job, { completeInTx }) => {
    await completeInTx(async (trx) => ({ by: trx as unknown }));
    throw new Error('too late to matter');
  });
  const trx = { name: 'mine' } as never;
  expect(await attempt(completing, { to: 'a' }, { transaction: trx })).toMatchObject({
    outcome: 'succeeded',
    output: { by: { name: 'mine' } },
  });
  const cancel = new AbortController();
  const late = handler(notify, async (_job, { completeInTx }) => {
    await completeInTx(async () => 'done');
    cancel.abort();
  });
  expect(await attempt(late, { to: 'a' }, { transaction: trx, signal: cancel.signal })).toMatchObject({
    outcome: 'succeeded',
    output: 'done',
  });
  expect(await attempt(completing, { to: 'a' })).toMatchObject({
    outcome: 'failed',
    error: { message: expect.stringContaining('`transaction`') as string },
  });
  const threaded = handler(
    notify,
    async (_job, context) =>
      (context as never as { completeInTx: (w: unknown) => unknown }).completeInTx(() => 1),
    {
      thread: true,
    },
  );
  expect(await attempt(threaded, { to: 'a' }, { transaction: trx })).toMatchObject({
    outcome: 'failed',
    error: { message: expect.stringContaining('thread') as string },
  });
});

it('gives each kind of handler the context of its kind', async () => {
  const has = (context: object) =>
    ['enqueue', 'completeInTx', 'fencingToken'].filter((part) => part in context);
  const inReplica = handler(notify, (_job, context) => has(context));
  const inWorker = remoteHandler(notify, (_job, context) => has(context));
  expect(await attempt(inReplica, { to: 'a' })).toMatchObject({ output: ['enqueue', 'completeInTx'] });
  expect(await attempt(inWorker, { to: 'a' })).toMatchObject({ output: ['fencingToken'] });
});

it('refuses what is no handler, and unknown options', async () => {
  await expect(attempt(ends(1), { path: 'a' }, { attempt: 0 })).rejects.toThrow(
    'attempt to be a whole number',
  );
  const vague = handler(notify, async (_job, { enqueue }) => {
    await enqueue(notify, { to: 'b' }, { delaySecond: 5 } as never);
  });
  expect(await attempt(vague, { to: 'a' })).toMatchObject({
    outcome: 'retried',
    error: { message: expect.stringContaining('no option delaySecond') as string },
  });
  await expect(attempt((() => 1) as never, {})).rejects.toThrow('handler(…) or remoteHandler(…)');
  await expect(attempt(ends(1), { path: 'a' }, { attempts: 2 } as never)).rejects.toThrow(
    'no option attempts',
  );
});
