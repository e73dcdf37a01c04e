// Is an error that no handler has caught held against the attempt that it came from, and against no other?
import { expect, it } from 'vitest';
import { startedAttempt } from '#test/support/builders.js';
import { failAttempt, outsideAttempts } from './attempt-scope.js';
import type { AttemptResult } from './decisions/run-transition.js';
import type { CallTarget } from '#execution/targets/targets.js';

function begin(target: CallTarget) {
  const { attempt, call, result, late } = startedAttempt();
  call(target);
  return { result, signal: attempt.signal, late };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const unheard = new Error('nobody awaits this');

it('an attempt fails with what happens behind its back, is told to stop, and no other is', async () => {
  const end = Promise.withResolvers<AttemptResult>();
  const other = begin(() => end.promise);
  const { result, signal } = begin(() => {
    setImmediate(() => expect(failAttempt(unheard)).toBe(true));
    return new Promise(() => undefined);
  });
  expect(await result).toMatchObject({ kind: 'failed', fatal: false, error: { message: unheard.message } });
  expect([signal.reason, other.signal.aborted]).toEqual([unheard, false]);
  end.resolve({ kind: 'succeeded', output: 1 });
  expect(await other.result).toEqual({ kind: 'succeeded', output: 1 });
});

it('what happens behind the back of an attempt that has ended changes nothing, and is told', async () => {
  const { result, late } = begin(async () => {
    setImmediate(() => failAttempt(unheard));
    return { kind: 'succeeded', output: 1 };
  });
  expect(await result).toEqual({ kind: 'succeeded', output: 1 });
  await turn();
  expect(late).toMatchObject([{ kind: 'failed', error: { message: unheard.message } }]);
});

it('what an attempt has only woken belongs to no attempt, nor does anything outside', async () => {
  const woken = Promise.withResolvers<boolean>();
  const wake = (): void => void setImmediate(() => woken.resolve(failAttempt(unheard)));
  const { result } = begin(async () => {
    outsideAttempts(wake);
    return { kind: 'succeeded', output: 1 };
  });
  expect(await result).toEqual({ kind: 'succeeded', output: 1 });
  expect([await woken.promise, failAttempt(unheard)]).toEqual([false, false]);
});
