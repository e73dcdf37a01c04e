// Which due times do successes of another schedule make?
import { expect, it } from 'vitest';
import { place } from './place.js';

const dueAt = new Date('2031-01-01T00:00:00.500Z');
const later = (ms: number): Date => new Date(dueAt.getTime() + ms);
const unbounded = { dueAt, startAt: null, endAt: null };

it('successes of one instant are due one millisecond after the other', () => {
  const taken = new Set([dueAt.getTime() + 1]);
  expect([1, 2, 3].map(() => place(unbounded, taken))).toEqual([dueAt, later(2), later(3)]);
});

it('what lies before the beginning or after the end is not due, and takes no instant', () => {
  const taken = new Set<number>();
  expect(place({ ...unbounded, startAt: later(1) }, taken)).toBeNull();
  expect(place({ ...unbounded, endAt: later(-1) }, taken)).toBeNull();
  expect(taken.size).toBe(0);
  expect(place({ ...unbounded, startAt: dueAt, endAt: dueAt }, taken)).toEqual(dueAt);
});
