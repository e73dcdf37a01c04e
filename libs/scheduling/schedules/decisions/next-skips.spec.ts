// Are the next due times skipped, and does planning go on where it should?
import { describe, expect, it } from 'vitest';
import { nextSkips, nextUnskipped } from './next-skips.js';

const now = new Date('2026-11-21T08:00:00.000Z');
const at = (minute: number): Date => new Date(now.getTime() + minute * 60_000);

describe('the next due times to skip', () => {
  const ahead = [
    { dueAt: at(0), outcome: null },
    { dueAt: at(1), outcome: 'planned' },
    { dueAt: at(2), outcome: 'skipped' },
    { dueAt: at(3), outcome: null },
    { dueAt: at(4), outcome: null },
  ];

  it('are ahead, and those that are decided are passed over', () => {
    expect(nextSkips(ahead, { count: 2, now })).toEqual({ planned: [at(1)], open: [at(3)] });
  });

  it('are fewer where no more come', () => {
    expect(nextSkips(ahead, { count: 9, now })).toEqual({ planned: [at(1)], open: [at(3), at(4)] });
  });
});

describe('planning goes on', () => {
  const ahead = [1, 2, 3, 4].map(at);

  it('behind what was skipped, up to the first that was not', () => {
    expect(nextUnskipped(ahead, { from: at(2), now, skipped: [at(2), at(3)] })).toEqual(at(4));
    expect(nextUnskipped(ahead, { from: at(1), now, skipped: [at(2), at(3)] })).toEqual(at(1));
    expect(nextUnskipped(ahead, { from: at(1), now, skipped: [at(1), at(3)] })).toEqual(at(2));
  });

  it('where it was, as long as something that has passed is undecided', () => {
    expect(nextUnskipped(ahead, { from: at(-1), now, skipped: [at(1)] })).toEqual(at(-1));
  });

  it('behind all that was found', () => {
    expect(nextUnskipped(ahead, { from: at(3), now, skipped: [at(3), at(4)] })).toBe(
      'behind the last of these',
    );
  });
});
