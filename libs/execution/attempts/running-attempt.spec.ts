// Does every attempt end, with the result that counts, with any handler?
import { describe, expect, it } from 'vitest';
import { CancelRun, FatalError, RetryAt, snooze } from '#client/jobs/outcomes.js';
import { claimedRun, startedAttempt } from '#test/support/builders.js';
import { AttemptStopped } from '#execution/runs/attempt-stopped.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { AttemptResult } from '#execution/runs/decisions/run-transition.js';
import type { CallTarget } from '#execution/targets/targets.js';

const succeeded = (output: unknown): AttemptResult => ({ kind: 'succeeded', output });
const stop = {
  timeout: new AttemptStopped('timeout', 'the attempt took longer than its timeout'),
  deadline: new AttemptStopped('deadline', "the run's deadline has passed"),
  cancelled: new AttemptStopped('cancelled', 'its cancellation was requested'),
  shutdown: new AttemptStopped('shutdown', 'this replica is shutting down'),
  fenced: new AttemptStopped('replica-fenced', 'replica 7 was fenced off'),
  unsure: new AttemptStopped('replica-unsure', 'this replica is not sure'),
};

const services = { completeInTx: async <T>(work: (tx: never) => Promise<T>) => work(undefined as never) };

/** An attempt whose handler does nothing by itself: the test returns for it, throws for it, stops it or gives it up. */
function begin(wish: { run?: ClaimedRun; call?: CallTarget; isStoppedBy?: AttemptStopped } = {}) {
  const handler = Promise.withResolvers<AttemptResult>();
  const { attempt, call, ...heard } = startedAttempt(wish.run, services);
  if (wish.isStoppedBy !== undefined) attempt.stop(wish.isStoppedBy);
  call(wish.call ?? (() => handler.promise));
  return { attempt, handler, ...heard };
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
    const scheduled = claimedRun({
      attempt: 3,
      dueAt: new Date('2026-11-21T08:00:00Z'),
      locks: { books: 17 },
    });
    const { attempt, result } = begin({ run: scheduled, call: async (_run, context) => succeeded(context) });
    expect(await result).toMatchObject(
      succeeded({
        runId: scheduled.id,
        attempt: 3,
        dueAt: scheduled.dueAt,
        idempotencyKey: scheduled.id,
        signal: attempt.signal,
        tenant: 'acme',
        lastDetails: null,
        locks: { books: 17 },
        completeInTx: expect.any(Function) as unknown,
      }),
    );
  });

  it('fails with what its target throws, of which its run learns the name and the message, and the operator all', async () => {
    const { handler, thrown, result } = begin();
    const error = new RangeError('out of range');
    handler.reject(error);
    expect(await result).toEqual({
      kind: 'failed',
      fatal: false,
      error: { name: 'RangeError', message: 'out of range' },
    });
    expect(thrown).toEqual([error]);
  });

  it.each([snooze(5), new CancelRun('moot'), new RetryAt(5), new FatalError('never'), stop.shutdown])(
    'tells the operator nothing of a word: %s',
    async (word) => {
      const { handler, thrown, result } = begin();
      handler.reject(word);
      await result;
      expect(thrown).toEqual([]);
    },
  );

  it('fails for good with a FatalError', async () => {
    const { handler, result } = begin();
    handler.reject(new FatalError('no such customer'));
    expect(await result).toMatchObject({ kind: 'failed', fatal: true, error: { name: 'FatalError' } });
  });

  it('is completed once its handler has committed, whatever it says or suffers afterwards', async () => {
    const call: CallTarget = async (_run, { completeInTx }) => {
      await completeInTx(async () => 'committed');
      throw new Error('afterwards');
    };
    expect(await begin({ call }).result).toEqual({ kind: 'completed' });
    const { attempt, result } = begin({
      call: async (_run, { completeInTx }) => {
        await completeInTx(async () => 'committed');
        return new Promise(() => undefined);
      },
    });
    await new Promise((resolve) => setImmediate(resolve));
    attempt.stop(stop.cancelled);
    attempt.giveUp();
    expect(await result).toEqual({ kind: 'completed' });
  });

  it('can not be completed twice, and is not completed by what failed', async () => {
    const twice: CallTarget = async (_run, { completeInTx }) => {
      await completeInTx(async () => 1);
      return succeeded(await completeInTx(async () => 2).catch((error: unknown) => String(error)));
    };
    expect(await begin({ call: twice }).result).toEqual({ kind: 'completed' });
    const failing: CallTarget = async (_run, { completeInTx }) =>
      succeeded(await completeInTx(() => Promise.reject(new Error('no commit'))));
    expect(await begin({ call: failing }).result).toMatchObject({
      kind: 'failed',
      error: { message: 'no commit' },
    });
  });
});

describe('a handler that was told to stop', () => {
  it('has time to do so', async () => {
    const { attempt, handler, result } = begin();
    attempt.stop(stop.timeout);
    expect(await isOver(result)).toBe(false);
    handler.reject(stop.timeout);
    expect(await result).toMatchObject({ kind: 'timed-out' });
  });

  const ends = {
    'a timeout': stop.timeout,
    'a deadline': stop.deadline,
    'a cancel': stop.cancelled,
    'a shutdown': stop.shutdown,
    'a fence': stop.fenced,
    doubt: stop.unsure,
  };
  const error = { name: 'AttemptStopped' };
  it.each([
    // reason, what it says, what counts
    ['a timeout', 'throws', { kind: 'timed-out', error }],
    ['a timeout', 'returns', { kind: 'succeeded' }],
    ['a timeout', 'is fatal', { kind: 'failed', fatal: true }],
    ['a deadline', 'throws', { kind: 'expired', error }],
    ['a deadline', 'returns', { kind: 'expired', error }],
    ['a cancel', 'throws', { kind: 'cancelled', error: null }],
    ['a cancel', 'returns', { kind: 'cancelled', error: null }],
    ['a cancel', 'is fatal', { kind: 'cancelled', error: null }],
    ['a shutdown', 'throws', { kind: 'lost', error }],
    ['a shutdown', 'returns', { kind: 'succeeded' }],
    ['a shutdown', 'snoozes', { kind: 'snoozed', delayMs: 5_000 }],
    ['a fence', 'throws', { kind: 'lost', error }],
    ['doubt', 'throws', { kind: 'lost', error }],
  ] as const)('by %s and then %s: what counts is %o', async (why, how, counts) => {
    const { attempt, handler, late, result } = begin();
    attempt.stop(ends[why]);
    if (how === 'returns') handler.resolve(succeeded('done'));
    else if (how === 'snoozes') handler.reject(snooze(5));
    else handler.reject(how === 'is fatal' ? new FatalError('never') : new Error('aborted'));
    expect(await result).toMatchObject(counts);
    expect(late).toEqual([]);
  });

  it('and does not listen is given up, and what it says at last is reported and changes nothing', async () => {
    const { attempt, handler, late, result } = begin();
    attempt.stop(stop.timeout);
    attempt.giveUp();
    const ended = await result;
    expect(ended).toEqual({
      kind: 'timed-out',
      error: { name: 'AttemptStopped', message: 'the attempt took longer than its timeout' },
    });
    expect(late).toEqual([]);
    // An unhandled rejection here would fail the whole test run.
    handler.reject(new Error('too late'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await result).toBe(ended);
    expect(late).toMatchObject([{ kind: 'failed', error: { message: 'too late' } }]);
  });

  it('before it began has nothing to do, and its attempt is lost', async () => {
    const { result } = begin({ call: () => new Promise(() => undefined), isStoppedBy: stop.shutdown });
    expect(await isOver(result)).toBe(true);
    expect(await result).toMatchObject({ kind: 'lost' });
  });
});
