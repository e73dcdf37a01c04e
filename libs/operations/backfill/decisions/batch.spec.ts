// Which due times a step of a backfill passes over, and which run, by what the ledger says of them and by the places left.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchOf, placesLeft } from './batch.js';

const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 0, minute));
const outcomesOf = (outcomes: readonly (string | null)[]): Map<number, string> =>
  new Map(outcomes.flatMap((outcome, minute) => (outcome === null ? [] : [[at(minute).getTime(), outcome]])));
const batch = (outcomes: readonly (string | null)[], places: number) =>
  batchOf(
    outcomes.map((_, minute) => at(minute)),
    { outcomes: outcomesOf(outcomes), places },
  );

describe('a step of a backfill', () => {
  it('runs what has no row, and what did not run', () => {
    expect(batch([null, 'missed', 'coalesced', 'skipped'], 9)).toEqual({
      passed: 4,
      toRun: [at(0), at(1), at(2), at(3)],
    });
  });

  it('passes over what is planned or has run, for which it needs no place', () => {
    expect(batch(['planned', 'fired', 'late'], 0)).toEqual({ passed: 3, toRun: [] });
  });

  it('ends before the first due time that finds no place', () => {
    expect(batch(['fired', null, 'fired', null, 'fired'], 1)).toEqual({ passed: 3, toRun: [at(1)] });
    expect(batch([null], 0)).toEqual({ passed: 0, toRun: [] });
  });

  it('never runs more than there are places, and leaves out none that it has passed', () => {
    const outcome = fc.constantFrom(null, 'planned', 'fired', 'late', 'missed', 'coalesced', 'skipped');
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 30 }), fc.nat(10), (outcomes, places) => {
        const { passed, toRun } = batch(outcomes, places);
        expect(toRun.length).toBeLessThanOrEqual(places);
        const isOpen = (one: string | null) => one === null || !['planned', 'fired', 'late'].includes(one);
        expect(toRun).toHaveLength(outcomes.slice(0, passed).filter(isOpen).length);
        if (passed < outcomes.length) expect(toRun).toHaveLength(places);
      }),
    );
  });
});

it.each([
  [{ maxUnfinished: 10, unfinished: 4, maxQueued: null, queued: 0 }, 6],
  [{ maxUnfinished: 10, unfinished: 4, maxQueued: 7, queued: 5 }, 2],
  [{ maxUnfinished: 10, unfinished: 4, maxQueued: 7, queued: 7 }, 0],
  [{ maxUnfinished: 10, unfinished: 11, maxQueued: null, queued: 0 }, 0],
])('%o: %i places', (counted, expected) => {
  expect(placesLeft(counted)).toBe(expected);
});
