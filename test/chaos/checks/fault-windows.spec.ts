// How late may a run start while faults follow one another?
import { expect, it } from 'vitest';
import { AT_ONCE, type FaultRecord } from '../faults.js';
import { latenessLimitAt } from './fault-windows.js';

const fault = (
  startedAtMs: number,
  healedAtMs: number,
  { latenessMs, from }: { latenessMs: number; from: 'strike' | 'heal' },
): FaultRecord => ({
  kind: {
    name: 'f',
    death: 'never',
    from,
    limits: { ...AT_ONCE, latenessMs },
    strike: async () => undefined,
  },
  struck: [],
  startedAtMs,
  healedAtMs,
  notes: [],
});
const forgotten = fault(10_000, 11_000, { latenessMs: 13_000, from: 'strike' });
const away = fault(18_000, 27_000, { latenessMs: 3_000, from: 'heal' });

it('excuses nothing where no fault is about', () => {
  expect(latenessLimitAt([], 12_000)).toBe(0);
  expect(latenessLimitAt([forgotten], 8_000)).toBe(0);
  expect(latenessLimitAt([away], 12_000)).toBe(0);
});

it('adds up what is about together', () => {
  const beside = fault(11_000, 12_000, { latenessMs: 2_000, from: 'strike' });
  expect(latenessLimitAt([forgotten], 12_000)).toBe(15_000);
  expect(latenessLimitAt([forgotten, beside], 12_000)).toBe(19_000);
});

it('lets a repair wait for a fault that strikes before it is done, and for no later one', () => {
  expect(latenessLimitAt([away, forgotten], 12_000)).toBe(20_000);
  const later = fault(33_000, 34_000, { latenessMs: 2_000, from: 'strike' });
  expect(latenessLimitAt([forgotten, away, later], 12_000)).toBe(20_000);
  expect(latenessLimitAt([forgotten, later], 12_000)).toBe(15_000);
});
