// Does the replica know the database's time, however its answers are delayed?
import { beforeEach, expect, it } from 'vitest';
import { DatabaseClock } from './database-clock.js';

const START_MS = Date.parse('2026-11-21T08:00:00Z');
let nowMs: number;
let clock: DatabaseClock;

beforeEach(() => {
  nowMs = 0;
  const local = { monotonicMs: () => nowMs, now: () => new Date(START_MS + 90_000) };
  clock = new DatabaseClock(local);
});

/** A second later an answer comes that took so long; the database's clock was stepped by so much. */
function beat({ tookMs = 1, steppedMs = 0 } = {}): number {
  nowMs += 1_000;
  const databaseTime = new Date(START_MS + nowMs - tookMs + steppedMs);
  clock.onBeaten({ databaseTime, receivedAtMs: nowMs });
  return clock.now().getTime() - START_MS - nowMs;
}

it('is a little behind the database, as the quickest answer was', () => {
  expect(beat({ tookMs: 20 })).toBe(-20);
  expect(beat({ tookMs: 2 })).toBe(-2);
});

it('is not set back by an answer that was long on its way, but for a drift', () => {
  beat({ tookMs: 1 });
  expect(beat({ tookMs: 120 })).toBe(-2);
  expect(beat({ tookMs: 900 })).toBe(-3);
});

it.each([6_000, -6_000])('follows a step of the database by %d ms', (steppedMs) => {
  beat();
  expect(beat({ steppedMs })).toBe(steppedMs - 1);
});
