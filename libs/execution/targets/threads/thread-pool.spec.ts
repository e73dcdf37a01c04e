// Is a thread as good as its process, and does nothing that happens to it reach beyond its attempt?
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { claimedRun, jobContext } from '#test/support/builders.js';
import { FatalError } from '#client/jobs/outcomes.js';
import { describeError } from '#client/jobs/thrown-error.js';
import { describeAttemptFailure } from '#execution/runs/attempt-failure.js';
import { AttemptStopped } from '#execution/runs/attempt-stopped.js';
import type { AttemptServices } from '#execution/targets/job-context.js';
import { ThreadPool } from './thread-pool.js';

// Written by hand, without the client: threads of a test can't load what is not compiled.
const MODULE = `
const job = (name, handle) => ({ kind: 'job-handler', definition: { kind: 'job-definition', name }, handle, thread: true });
export const echo = job('echo', ({ payload }, { tenant, attempt, dueAt, lastDetails, locks }) => ({ payload, tenant, attempt, dueAt, lastDetails, locks }));
export const talk = job('talk', async (_, { log, progress, heartbeat }) => {
  log.info({ to: 'a' }, 'sending');
  log.warn('late');
  log.info({ odd: () => 1 }, 'odd');
  for (let n = 1; n <= 100_000; n += 1) progress(n / 100_000, 'at ' + n);
  heartbeat({ page: 3 });
  heartbeat();
});
export const spin = job('spin', (_, { log }) => { log.info('here'); for (;;); });
export const listen = job('listen', (_, context) => { context.log.info('here'); while (!context.signal.aborted); return context.signal.reason.why; });
export const wait = job('wait', (_, { signal, log }) => new Promise((resolve) => { log.info('here'); signal.addEventListener('abort', () => resolve(signal.reason.message)); }));
export const fail = job('fail', () => { throw Object.assign(new RangeError('no ink'), { code: 'INK', when: new Date(0) }); });
export const fatal = job('fatal', () => { const error = new Error('never'); error.name = 'FatalError'; throw error; });
export const odd = job('odd', () => { throw { a: 1 }; });
export const unfit = job('unfit', () => ({ call: () => 1, big: 1n }));
export const uncallable = job('uncallable', () => () => 1);
export const symbol = job('symbol', () => Symbol('s'));
export const parts = job('parts', () => ({ call: () => 1, at: new Date(0), n: 1 }));
export const marked = job('marked', () => { throw Object.assign(new Error('no ink'), { mark: Symbol('s'), code: 'INK' }); });
export const guarded = job('guarded', () => { throw Object.defineProperty(new Error('no ink'), 'where', { enumerable: true, get() { throw new Error('hidden'); } }); });
export const nameless = job('nameless', () => { throw Object.assign(new Error(''), { name: Symbol('n'), message: () => 1 }); });
export const closed = job('closed', () => { throw new Proxy({}, { getPrototypeOf() { throw new Error('no'); } }); });
export const chatter = job('chatter', (_, { log, progress }) => {
  log.info(Object.create(null), Object.create(null));
  progress(() => 1, Symbol('s'));
  progress(0.5, Object.create(null));
});
const toGreet = { name: 'greet', payload: { '~standard': { version: 1, vendor: 'test', validate: (value) => typeof value.to === 'string'
  ? { value } : { issues: [{ message: 'expected a string', path: ['to'] }] } } } };
export const enqueue = job('enqueue', async ({ payload }, { enqueue }) => {
  const both = await Promise.all([enqueue(toGreet, { to: 'a', at: new Date(0) }, { tags: ['x'], runAt: new Date(5) }), enqueue(toGreet, payload)]);
  return both;
});
export const refused = job('refused', async ({ payload }, { enqueue }) => {
  try { return await enqueue(toGreet, payload); } catch (error) { return [error.name, error.message]; }
});
export const previous = job('previous', async (_, { previousFire }) => { try { return await previousFire(); } catch (error) { return error.message; } });
export const intx = job('intx', (_, { completeInTx }) => completeInTx(async () => 1));
export const exit = job('exit', () => process.exit(3));
export const later = job('later', () => new Promise(() => { setTimeout(() => { throw new Error('out of nowhere'); }, 0); }));
export const reject = job('reject', () => new Promise(() => { void Promise.reject(new Error('unheard')); }));
export const leak = job('leak', () => { const kept = []; for (;;) kept.push(new Array(10_000).fill(kept.length)); });
export const big = job('big', (_, { heartbeat }) => heartbeat('x'.repeat(70_000)));
`;

let folder: string;
let moduleUrl: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-thread-'));
  const file = join(folder, 'jobs.mjs');
  await writeFile(file, MODULE);
  await writeFile(join(folder, 'hooks.mjs'), 'export function resolveCarillonImports() {}');
  moduleUrl = pathToFileURL(file).href;
});
afterAll(() => rm(folder, { recursive: true }));

let pool: ThreadPool;
let grace: PromiseWithResolvers<void>;
const stray: Error[] = [];
beforeEach(() => {
  grace = Promise.withResolvers();
  pool = new ThreadPool({
    threads: 2,
    memoryMb: 32,
    graceMs: 1_000,
    rest: () => grace.promise,
    hooksUrl: pathToFileURL(join(folder, 'hooks.mjs')).href,
    onStray: (error) => stray.push(error),
  });
  return () => pool.close();
});

function call(
  job: string,
  wish: { reports?: Partial<AttemptServices>; payload?: unknown; details?: unknown } = {},
) {
  const abort = new AbortController();
  const run = claimedRun({ attempt: 2, details: wish.details ?? null, locks: { books: 17 } });
  const context = jobContext(run, abort.signal, wish.reports);
  const result = pool.run({ moduleUrl, job, payload: wish.payload ?? null }, context);
  result.catch(() => undefined); // each test looks at it when it is time
  onTestFinished(() => abort.abort());
  return {
    result,
    run,
    stop: (why: 'timeout' | 'shutdown') => abort.abort(new AttemptStopped(why, `for ${why}`)),
  };
}

/** Resolves when the handler has logged that it is there. */
async function callAndBegin(job: string) {
  const here = Promise.withResolvers<void>();
  const write = (): void => here.resolve();
  const called = call(job, { reports: { log: { debug: write, info: write, warn: write, error: write } } });
  await here.promise;
  return called;
}

describe('a handler in a thread', () => {
  it('gets its payload and context, and its output comes back', async () => {
    const payload = { at: new Date(5), tags: new Set(['a']) };
    const { result } = call('echo', { payload, details: { page: 7 } });
    expect(await result).toEqual({
      payload,
      tenant: 'acme',
      attempt: 2,
      dueAt: null,
      lastDetails: { page: 7 },
      locks: { books: 17 },
    });
  });

  it('logs, and reports progress and heartbeats, of which the newest is enough', async () => {
    const lines: unknown[][] = [];
    const write = (...words: unknown[]): void => void lines.push(words);
    const progress: unknown[][] = [];
    const heartbeats: unknown[] = [];
    await call('talk', {
      reports: {
        log: { debug: write, info: write, warn: write, error: write },
        progress: (...words: unknown[]) => void progress.push(words),
        heartbeat: (details: unknown) => void heartbeats.push(details),
      },
    }).result;
    expect(lines.slice(0, 2)).toEqual([[{ to: 'a' }, 'sending'], ['late']]);
    expect(lines[2]?.[0]).toMatch(/^odd \(its fields can not leave their thread/);
    expect(progress.at(-1)).toEqual([1, 'at 100000']);
    expect(progress.length).toBeLessThan(50_000);
    expect(heartbeats).toContainEqual({ page: 3 });
  });

  it.each([
    ['marked', { name: 'Error', message: 'no ink', code: 'INK' }],
    ['guarded', { name: 'Error', message: 'no ink' }],
    ['nameless', { name: 'Symbol(n)', message: '() => 1' }],
    ['closed', { name: 'UnreadableError' }],
  ])('fails with what it threw, however odd that is: %s', async (job, error) => {
    await expect(call(job).result).rejects.toMatchObject(error);
  });

  it('says what can be said of odd words, and goes on', async () => {
    const said: unknown[] = [];
    const write = (...words: unknown[]): void => void said.push(words);
    const log = { debug: write, info: write, warn: write, error: write };
    expect(await call('chatter', { reports: { log, progress: write } }).result).toBeUndefined();
    expect(said).toContainEqual([0.5, 'an object that can not be shown']);
  });

  it('fails with what it threw', async () => {
    await expect(call('fail').result).rejects.toMatchObject({
      name: 'RangeError',
      message: 'no ink',
      code: 'INK',
    });
    await expect(call('fatal').result).rejects.toBeInstanceOf(FatalError);
    await expect(call('odd').result).rejects.toMatchObject({
      name: 'NonError',
      message: /\{"a":1\}/,
    });
    await expect(call('big').result).rejects.toMatchObject({ name: 'TypeError', message: /65536 bytes/ });
  });

  it('whose module can not be loaded again tells its tenant so, and the place to the operator alone', async () => {
    const context = jobContext(claimedRun());
    const gone = moduleUrl.replace('jobs.mjs', 'gone.mjs');
    const thrown: unknown = await pool
      .run({ moduleUrl: gone, job: 'echo', payload: null }, context)
      .catch((error: unknown) => error);
    expect(describeAttemptFailure(thrown)).toEqual({
      name: 'HandlerNotLoaded',
      message: 'expected the handler of job echo to be loaded in a thread, but its module threw an error',
    });
    expect(describeError(thrown).stack).toContain('gone.mjs');
  });

  it('starts runs through its replica, and hears their ids', async () => {
    const asked: unknown[] = [];
    const enqueue: AttemptServices['enqueue'] = async ({ name }, payload, options) => {
      asked.push([name, payload, options]);
      return `run-${asked.length}`;
    };
    const { result } = call('enqueue', { payload: { to: 'b' }, reports: { enqueue } });
    expect(await result).toEqual(['run-1', 'run-2']);
    expect(asked).toEqual([
      ['greet', { to: 'a', at: '1970-01-01T00:00:00.000Z' }, { tags: ['x'], runAt: new Date(5) }],
      ['greet', { to: 'b' }, {}],
    ]);
  });

  it('is told why a run was not started: by its schema, and by the replica', async () => {
    const enqueue = () => Promise.reject(new RangeError('no such job'));
    expect(await call('refused', { payload: { to: 7 }, reports: { enqueue } }).result).toEqual([
      'InvalidPayloadError',
      expect.stringContaining('/payload/to: expected a string'),
    ]);
    expect(await call('refused', { payload: { to: 'b' }, reports: { enqueue } }).result).toEqual([
      'RangeError',
      'no such job',
    ]);
  });

  it('learns from its replica what ran before', async () => {
    const fire = { previousDueAt: new Date(5), missedCount: 2, isComplete: true };
    expect(await call('previous', { reports: { previousFire: async () => fire } }).result).toEqual(fire);
    const cutOff = () => Promise.reject(new Error('cut off'));
    expect(await call('previous', { reports: { previousFire: cutOff } }).result).toBe('cut off');
  });

  it('has no transaction, which is fatal and says what to do', async () => {
    const { result } = call('intx');
    await expect(result).rejects.toBeInstanceOf(FatalError);
    await expect(result).rejects.toMatchObject({
      message: expect.stringContaining('thread: true') as string,
    });
  });

  it('that returns what can not leave the thread fails and says so', async () => {
    const error: unknown = await call('unfit').result.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'UnfitOutput' });
    expect(error).toBeInstanceOf(FatalError); // the work is done, and would only be done again
  });

  it.each([
    ['uncallable', null],
    ['symbol', null],
    ['parts', { at: '1970-01-01T00:00:00.000Z', n: 1 }],
  ])('that returns what JSON leaves out returns the rest, as in a replica: %s', async (job, output) => {
    expect(await call(job).result).toEqual(output);
  });

  it.each(['listen', 'wait'])('hears that it must stop, even while it computes: %s', async (job) => {
    const { result, stop } = await callAndBegin(job);
    stop('timeout');
    expect(await result).toMatch(/timeout/);
  });

  it('that does not stop in time is ended with its thread', async () => {
    const { result, stop } = await callAndBegin('spin');
    stop('timeout');
    grace.resolve();
    await expect(result).rejects.toMatchObject({ name: 'AttemptStopped', why: 'timeout' });
    expect(await call('echo').result).toMatchObject({ attempt: 2 });
  });

  it('waits for a thread without its time running, and leaves the queue when it is stopped', async () => {
    await Promise.all([callAndBegin('spin'), callAndBegin('spin')]);
    const clock: string[] = [];
    const third = call('echo', {
      reports: { clock: { stop: () => void clock.push('stop'), restart: () => void clock.push('restart') } },
    });
    third.stop('shutdown');
    await expect(third.result).rejects.toMatchObject({ why: 'shutdown' });
    expect(clock).toEqual(['stop']);
  });
});

describe('what happens to a thread', () => {
  it.each([
    ['exit', /exit/i],
    ['later', /out of nowhere/],
    ['reject', /unheard/],
    ['leak', /memory/i],
  ])('fails its attempt alone: %s', async (job, message) => {
    const beside = await callAndBegin('wait');
    await expect(call(job).result).rejects.toMatchObject({
      name: 'ThreadEnded',
      message: expect.stringMatching(message) as string,
    });
    expect(await call('echo').result).toMatchObject({ attempt: 2 });
    beside.stop('shutdown');
    expect(await beside.result).toBe('for shutdown');
    expect(stray).toEqual([]);
  });
});
