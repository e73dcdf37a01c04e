// Does every end of a handler become a call that the API takes? Errors in particular can be anything.
import { expect, it } from 'vitest';
import { callInstead, callOfReturned, callOfThrown } from './end-call.js';
import { FatalError, RetryAt } from '#client/jobs/outcomes.js';

const now = new Date('2026-11-21T08:00:00Z');

it.each<[string, unknown, object]>([
  ['has NUL', new Error('a\0b'), { name: 'Error', message: 'a\uFFFDb' }],
  ['is cut inside of a pair', new Error(`${'x'.repeat(1_999)}😀`), { message: `${'x'.repeat(1_999)}\uFFFD` }],
  ['has a message that is no string', Object.assign(new Error('x'), { message: 7 }), { message: '7' }],
  ['has no message', Object.assign(new Error('x'), { message: undefined }), { message: 'undefined' }],
  ['has no name', Object.assign(new Error('x'), { name: '' }), { name: 'Error' }],
  [
    'has a name that is no string',
    Object.assign(new Error('x'), { name: Symbol('s') }),
    { name: 'Symbol(s)' },
  ],
  [
    'is no Error',
    { code: 3 },
    { name: 'NonError', message: expect.stringContaining('{"code":3}') as string },
  ],
  ['is undefined', undefined, { name: 'NonError' }],
  ['can not be shown', Object.create(null), { name: 'NonError' }],
  [
    'has a getter that throws',
    Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('no');
      },
    }),
    { name: 'UnreadableError' },
  ],
  [
    'is a proxy that throws',
    new Proxy(new Error('x'), {
      getPrototypeOf: () => {
        throw new Error('no');
      },
      get: () => {
        throw new Error('no');
      },
    }),
    { name: 'UnreadableError' },
  ],
])('an error that %s fails the attempt, and is told', (_what, thrown, error) => {
  const end = callOfThrown(thrown, now);
  expect(end).toMatchObject({ verb: 'fail', body: { error, retryable: true } });
  const { name, message } = (end.body as { error: { name: unknown; message: unknown } }).error;
  expect([typeof name, typeof message]).toEqual(['string', 'string']);
});

it('an output that can not be said fails the run for good, with the reason', () => {
  expect(callOfReturned({ n: 1n }, now)).toMatchObject({
    verb: 'fail',
    body: {
      error: { name: 'UnfitOutput', message: expect.stringContaining('BigInt') as string },
      retryable: false,
    },
  });
});

it('what steers is kept', () => {
  expect(callOfThrown(new FatalError('no'), now)).toMatchObject({ body: { retryable: false } });
  expect(callOfThrown(new RetryAt(3), now)).toMatchObject({ body: { retryAfterSeconds: 3 } });
});

it('a refused end is followed by one that says so, unless the lease is lost or the key is wrong', () => {
  const complete = { verb: 'complete', body: { output: 1 } } as const;
  expect(callInstead(complete, { status: 413, message: 'too large' })).toMatchObject({
    verb: 'fail',
    body: {
      error: { name: 'UnfitOutput', message: '"complete" was refused: too large' },
      retryable: false,
    },
  });
  expect(callInstead({ verb: 'release', body: {} }, { status: 422, message: 'no' })).toMatchObject({
    verb: 'fail',
  });
  for (const status of [401, 403, 404, 409])
    expect(callInstead(complete, { status, message: '' })).toBeNull();
});
