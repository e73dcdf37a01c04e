// Are the outcomes that one copy of the package makes known to another? An application has two where it uses both
// `import` and `require`, or two versions.
import { expect, it } from 'vitest';
import { CancelRun, FatalError, isOutcome, RetryAt, Snooze } from './outcomes.js';

const again = './outcomes.js?again';
const theirs = (await import(again)) as typeof import('./outcomes.js');

const ours = { FatalError, CancelRun, RetryAt, Snooze };
const NAMES = ['FatalError', 'CancelRun', 'RetryAt', 'Snooze'] as const;
const made = {
  FatalError: new theirs.FatalError('never'),
  CancelRun: new theirs.CancelRun('moot'),
  RetryAt: new theirs.RetryAt(1),
  Snooze: theirs.snooze(1),
};

it.each(NAMES)('%s of another copy is known for what it is, and for nothing else', (name) => {
  expect(made[name]).not.toBeInstanceOf(ours[name]);
  expect(NAMES.filter((other) => isOutcome(made[name], other))).toEqual([name]);
});

it('an instance of a subclass is one, too', () => {
  class NoSuchCustomer extends theirs.FatalError {}
  expect(isOutcome(new NoSuchCustomer('17'), 'FatalError')).toBe(true);
});

it.each([
  ['an error of that name', Object.assign(new Error('x'), { name: 'FatalError' })],
  ['null', null],
  ['a text', 'FatalError'],
  [
    'a proxy that throws',
    new Proxy(new theirs.FatalError('x'), {
      get: () => {
        throw new Error('no');
      },
    }),
  ],
])('%s is none', (_what, value) => {
  expect(isOutcome(value, 'FatalError')).toBe(false);
});
