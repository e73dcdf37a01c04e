// When is a schedule due that follows its own runs?
import { describe, expect, it } from 'vitest';
import { nextInChain, type ChainFacts } from './next-in-chain.js';

const at = (seconds: number): Date => new Date(1_900_000_000_000 + seconds * 1_000);
const NOW = at(1_000);
const last = { dueAt: at(0), decidedAt: at(-10), endedAt: at(100), hasRun: true };
const facts = (wish: Partial<ChainFacts> = {}): ChainFacts => ({
  isRunning: false,
  isLeftBehind: false,
  last,
  delaySeconds: 60,
  startAt: null,
  endAt: null,
  notBefore: null,
  isPausedWithoutEnd: false,
  ...wish,
});
const next = (wish: Partial<ChainFacts> = {}) => nextInChain(facts(wish), NOW);
const withoutRun = (decidedAt: Date, dueAt = at(0)) => ({ dueAt, decidedAt, endedAt: null, hasRun: false });

describe('a schedule that follows its own runs', () => {
  it('is due so long after the end of the last one', () => expect(next()).toEqual(at(160)));
  it('waits while one is unfinished', () => expect(next({ isRunning: true })).toBeNull());
  it('waits while it is paused without an end', () => expect(next({ isPausedWithoutEnd: true })).toBeNull());
  it('goes on from the decision that a due time gets no run', () =>
    expect(next({ last: withoutRun(at(5)) })).toEqual(at(65)));
  it('goes on behind a due time that was skipped ahead', () =>
    expect(next({ last: withoutRun(at(5), at(500)) })).toEqual(at(560)));
  it('goes on behind a due time whose run was cancelled before it', () =>
    expect(next({ last: { ...last, endedAt: at(-5) } })).toEqual(at(60)));
  it('goes on from now where the row of the run is kept no longer', () =>
    expect(next({ last: { ...last, endedAt: null } })).toEqual(at(1_060)));
  it('goes on from now where due times are left behind', () =>
    expect(next({ isLeftBehind: true })).toEqual(at(1_060)));
  it('is due at once where nothing of it was ever due', () => expect(next({ last: null })).toEqual(NOW));
  it('is not due before its beginning, nor before the end of a pause', () => {
    expect(next({ startAt: at(5_000) })).toEqual(at(5_000));
    expect(next({ notBefore: at(900) })).toEqual(at(900));
    expect(next({ last: null, startAt: at(5_000), notBefore: at(6_000) })).toEqual(at(6_000));
  });
  it('is not due after its end', () => {
    expect(next({ endAt: at(160) })).toEqual(at(160));
    expect(next({ endAt: at(159) })).toBeNull();
  });
});
