// Does the check of the order refuse what it must?
import { expect, it } from 'vitest';
import type { Span } from './attempt-spans.js';
import { alternating } from './order-check.js';

const span = (id: string, attempt: number, fromMs: number): Span => {
  const run = {
    id,
    tenant: 't',
    jobType: 'j',
    queue: 'default',
    concurrencyKey: 'overlap/strict/k',
    key: null,
    createdAtMs: 0,
    schedule: null,
    attempt,
    runAtMs: 0,
    pastAttempts: [],
  };
  return { run, attempt, where: 'replica', fromMs, toMs: fromMs + 1 };
};

it('finds nothing where each run is tried until it is over', () => {
  expect(alternating('k', [])).toEqual([]);
  const tried = [span('a', 1, 1), span('a', 2, 5), span('b', 1, 9), span('c', 1, 12), span('c', 2, 14)];
  expect(alternating('k', tried.toReversed())).toEqual([]);
});

it('refuses a run that is tried again once a later one has begun', () => {
  const tried = [span('a', 1, 1), span('b', 1, 5), span('a', 2, 9), span('c', 1, 12)];
  expect(alternating('k', tried)).toEqual([
    expect.stringMatching(/^C16: of key k run a began attempt 2 at 9, after run b had begun/),
  ]);
});
