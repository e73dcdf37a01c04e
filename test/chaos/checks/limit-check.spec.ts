// Does the check of limits refuse what it must, and nothing that a replica says too late?
import { expect, it } from 'vitest';
import type { Span } from './attempt-spans.js';
import { tooManyAtOnce } from './limit-check.js';

const span = (id: string, fromMs: number, toMs: number): Span => {
  const run = {
    id,
    tenant: 't',
    jobType: 'j',
    queue: 'default',
    concurrencyKey: null,
    key: null,
    createdAtMs: 0,
    schedule: null,
    attempt: 1,
    runAtMs: 0,
    pastAttempts: [],
  };
  return { run, attempt: 1, where: 'replica', fromMs, toMs };
};
const judge = (spans: Span[]) => tooManyAtOnce({ what: 'runs', limit: 2, spans });

it('refuses more at once than are allowed', () => {
  expect(judge([span('a', 0, 100), span('b', 10, 100), span('c', 20, 100)])).toEqual([
    expect.stringMatching(/^I7: 3 runs executed at once at .*020Z, allowed are 2/),
  ]);
});

it('finds nothing where each begins as another one ends', () => {
  expect(judge([span('a', 0, 100), span('b', 10, 50), span('c', 50, 90), span('d', 96, 120)])).toEqual([]);
});

it('does not count an attempt that was given up before its first line', () => {
  expect(judge([span('a', 0, 100), span('b', 10, 100), span('frozen', 60, 20)])).toEqual([]);
});
