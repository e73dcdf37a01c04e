// What does an attempt make of a thrown value? JavaScript can throw any.
import { describe, expect, it } from 'vitest';
import { CancelRun, FatalError, RetryAt, snooze } from '#client/jobs/outcomes.js';
import { describeError } from '#client/jobs/thrown-error.js';
import { failedResult } from './attempt-result.js';

const now = new Date('2026-11-21T08:00:00Z');

describe('what was thrown', () => {
  it.each([
    ['snooze', snooze(90), { kind: 'snoozed', delayMs: 90_000 }],
    [
      'CancelRun',
      new CancelRun('moot'),
      { kind: 'cancelled', error: { name: 'CancelRun', message: 'moot' } },
    ],
    ['FatalError', new FatalError('never'), { kind: 'failed', fatal: true }],
    ['RetryAt in seconds', new RetryAt(1.5), { kind: 'failed', fatal: false, retryAfterMs: 1_500 }],
    ['RetryAt', new RetryAt(new Date('2026-11-21T08:01:00Z')), { kind: 'failed', retryAfterMs: 60_000 }],
    ['RetryAt in the past', new RetryAt(new Date(0)), { kind: 'failed', retryAfterMs: -now.getTime() }],
  ])('means what it says: %s', (_what, thrown, result) => {
    expect(failedResult(thrown, now)).toMatchObject(result);
  });

  it.each([
    () => snooze(-1),
    () => snooze(Number.NaN),
    () => new RetryAt(Infinity),
    () => new RetryAt(new Date(NaN)),
  ])('is refused where it is made if it makes no sense: %s', (make) => {
    expect(make).toThrow(RangeError);
  });

  it.each([
    ['a string', 'boom', 'boom'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 42, '42'],
    ['a symbol', Symbol('boom'), 'Symbol(boom)'],
    ['an object', { code: 7 }, '{"code":7}'],
  ])('is described even if it is no error: %s', (_what, thrown, shown) => {
    expect(failedResult(thrown, now)).toEqual({
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
  ])('can be stored with a message that holds %s', (_what, thrown) => {
    expect(JSON.stringify(describeError(thrown).message)).not.toMatch(/\\u(0000|d[89a-f])/i);
  });
});
