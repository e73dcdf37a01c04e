// Does the operator's log have all of what an attempt threw, and is it not filled by a job that always fails?
import { expect, it } from 'vitest';
import { claimedRun } from '#test/support/builders.js';
import { thrownLog } from './thrown-log.js';

function listen() {
  const lines: unknown[][] = [];
  let nowMs = 0;
  const tell = thrownLog({ warn: (...words: unknown[]) => void lines.push(words) }, () => nowMs);
  return { lines, tell, pass: (ms: number) => (nowMs += ms) };
}

it('has the stack and the cause, and whose run it was', () => {
  const { lines, tell } = listen();
  const run = claimedRun({ attempt: 2 });
  const error = new TypeError('no ink', { cause: new Error('connect ECONNREFUSED 10.0.0.7:631') });
  tell({ run, error });
  const { tenantId, jobType, id } = run;
  const err = { name: 'TypeError', message: 'no ink', stack: error.stack };
  const cause = expect.objectContaining({ message: 'connect ECONNREFUSED 10.0.0.7:631' }) as unknown;
  expect(lines).toEqual([[{ err, cause, tenantId, jobType, run: id, attempt: 2 }, 'an attempt threw']]);
});

it('tells each place that throws once a minute', () => {
  const { lines, tell, pass } = listen();
  const make = (text: string): Error => new Error(text);
  for (const text of ['order 1', 'order 2', 'order 3']) tell({ run: claimedRun(), error: make(text) });
  expect(lines).toHaveLength(1);
  pass(60_000);
  tell({ run: claimedRun(), error: make('order 4') });
  tell({ run: claimedRun({ jobType: 'another' }), error: make('order 5') });
  expect(lines).toHaveLength(3);
});

it('takes what throws when it is looked at', () => {
  const { lines, tell } = listen();
  const refuse = (): never => {
    throw new Error('no');
  };
  tell({
    run: claimedRun(),
    error: new Proxy(new Error(), { get: refuse, has: refuse, getPrototypeOf: refuse }),
  });
  expect(lines).toHaveLength(1);
});
