// Does every attempt end, with the result that counts, whatever its handler does?
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { claimedRun } from '#test/support/builders.js';
import {
  attemptRun,
  AttemptStopped,
  describeError,
  failedResult,
  FatalError,
  type CallTarget,
} from './attempt.js';
import type { AttemptResult } from './decisions/run-transition.js';

const run = claimedRun();
const succeeded = (output: unknown): AttemptResult => ({ kind: 'succeeded', output });
const stop = {
  timeout: new AttemptStopped('timeout', 'the attempt took longer than its timeout'),
  shutdown: new AttemptStopped('shutdown', 'this replica is shutting down'),
  fenced: new AttemptStopped('replica-fenced', 'replica 7 was fenced off'),
};

/** An attempt whose handler does nothing by itself: the test returns for it, throws for it, or stops it. */
function begin({ call }: { call?: CallTarget } = {}) {
  const abort = new AbortController();
  const handler = Promise.withResolvers<AttemptResult>();
  const result = attemptRun(run, call ?? (() => handler.promise), abort.signal);
  return { abort, handler, result };
}

/** True if the promise is over already; nothing is waited for. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  const turn = new Promise((resolve) => setImmediate(resolve, pending));
  return (await Promise.race([promise, turn])) !== pending;
}

describe('an attempt', () => {
  it('has the result that its target returns', async () => {
    const { handler, result } = begin();
    handler.resolve(succeeded({ sent: 3 }));
    expect(await result).toEqual(succeeded({ sent: 3 }));
  });

  it('tells its target which run of whose it is, and hands it the signal', async () => {
    const scheduled = claimedRun({ attempt: 3, dueAt: new Date('2026-11-21T08:00:00Z') });
    const abort = new AbortController();
    const result = await attemptRun(scheduled, async (_run, context) => succeeded(context), abort.signal);
    expect(result).toEqual(
      succeeded({
        tenant: scheduled.tenantId,
        runId: scheduled.id,
        attempt: 3,
        dueAt: scheduled.dueAt,
        idempotencyKey: scheduled.id,
        signal: abort.signal,
      }),
    );
  });

  it('fails with what its target throws', async () => {
    const { handler, result } = begin();
    handler.reject(new RangeError('out of range'));
    expect(await result).toMatchObject({
      kind: 'failed',
      fatal: false,
      error: { name: 'RangeError', message: 'out of range' },
    });
  });

  it('fails for good with a FatalError', async () => {
    const { handler, result } = begin();
    handler.reject(new FatalError('no such customer'));
    expect(await result).toMatchObject({ kind: 'failed', fatal: true, error: { name: 'FatalError' } });
  });

  it('leaves no listener behind on its signal', async () => {
    const { signal } = new AbortController();
    const listeners = (): number => getEventListeners(signal, 'abort').length;
    let duringCall = 0;
    const call: CallTarget = async () => {
      duringCall = listeners();
      return succeeded(null);
    };
    await attemptRun(run, call, signal);
    expect([duringCall, listeners()]).toEqual([1, 0]);
  });
});

describe('a handler that ignores its signal', () => {
  it('is left behind when its time is up, and its late result changes nothing', async () => {
    const { abort, handler, result } = begin();
    abort.abort(stop.timeout);
    const ended = await result;
    expect(ended).toMatchObject({
      kind: 'failed',
      fatal: false,
      error: { name: 'AttemptStopped', message: 'the attempt took longer than its timeout' },
    });
    handler.resolve(succeeded('too late'));
    expect(await result).toBe(ended);
  });

  it('may throw as late as it likes', async () => {
    const { abort, handler, result } = begin();
    abort.abort(stop.timeout);
    const ended = await result;
    // An unhandled rejection here would fail the whole test run.
    handler.reject(new Error('too late'));
    await expect(handler.promise).rejects.toThrow('too late');
    expect(await result).toBe(ended);
  });

  it.each([stop.shutdown, stop.fenced])('is not to blame for being stopped: %s', async (reason) => {
    const { abort, result } = begin();
    abort.abort(reason);
    expect(await result).toEqual({ kind: 'stopped', error: describeError(reason) });
  });
});

describe('a handler that listens to its signal', () => {
  it.each([stop.shutdown, stop.fenced])('is not to blame for throwing the reason: %s', async (reason) => {
    const { abort, result } = begin({
      call: (_run, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    });
    abort.abort(reason);
    expect(await result).toEqual({ kind: 'stopped', error: describeError(reason) });
  });

  it('has succeeded when it was done before it was stopped', async () => {
    const { abort, handler, result } = begin();
    handler.resolve(succeeded('just in time'));
    await handler.promise;
    abort.abort(stop.timeout);
    expect(await result).toEqual(succeeded('just in time'));
  });
});

describe('an attempt that is stopped before it begins', () => {
  it('ends at once, and its run is released', async () => {
    const ignoring: CallTarget = () => new Promise(() => undefined);
    const result = attemptRun(run, ignoring, AbortSignal.abort(stop.shutdown));
    expect(await isOver(result)).toBe(true);
    expect(await result).toEqual({ kind: 'released' });
  });
});

describe('what was thrown', () => {
  it.each([
    ['a string', 'boom', 'boom'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 42, '42'],
    ['a symbol', Symbol('boom'), 'Symbol(boom)'],
    ['an object', { code: 7 }, '[object Object]'],
  ])('is described even if it is no error: %s', (_what, thrown, shown) => {
    expect(failedResult(thrown)).toEqual({
      kind: 'failed',
      fatal: false,
      error: { name: 'NonError', message: `expected an Error to be thrown, got ${shown}` },
    });
  });

  it('has a name, a message and a stack if it is one', () => {
    const error = new TypeError('no');
    expect(describeError(error)).toEqual({ name: 'TypeError', message: 'no', stack: error.stack });
  });

  it('has no stack if it brings none', () => {
    const error = new Error('no');
    delete error.stack;
    expect(describeError(error)).toEqual({ name: 'Error', message: 'no' });
  });

  it('is cut to what is worth keeping', () => {
    const error = Object.assign(new Error('m'.repeat(5_000)), { stack: 's'.repeat(9_000) });
    const { message, stack } = describeError(error);
    expect([message.length, stack?.length]).toEqual([2_000, 4_000]);
    expect(describeError('x'.repeat(5_000)).message).toHaveLength(2_000);
  });

  it.each([
    ['an object that can not be shown', Object.create(null)],
    ['an error whose message is no string', Object.assign(new Error(), { message: { code: 7 } })],
    ['an error whose stack is no string', Object.assign(new Error('no'), { stack: {} })],
  ])('is described even if it is %s', (_what, thrown) => {
    expect(describeError(thrown)).toMatchObject({ message: expect.any(String) as unknown });
  });

  it('is described even if it does not want to be', () => {
    const thrown = Object.defineProperty(new Error(), 'message', {
      get: () => {
        throw new Error('not now');
      },
    });
    expect(describeError(thrown)).toMatchObject({ name: 'UnreadableError' });
  });

  it.each([
    ['a NUL', new Error('a\0b')],
    ['an emoji where the message is cut', new Error(`${'m'.repeat(1_999)}😀`)],
  ])('can be stored, whatever its message holds: %s', (_what, thrown) => {
    expect(JSON.stringify(describeError(thrown).message)).not.toMatch(/\\u(0000|d[89a-f])/i);
  });
});
