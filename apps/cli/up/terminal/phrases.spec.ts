// Does every figure read well, from the first millisecond to the next day?
import { describe, expect, it } from 'vitest';
import { clockTime, count, duration, fit, list, statusLine } from './phrases.js';

describe('phrases', () => {
  it.each([
    [-3, '0 ms'],
    [0.4, '0 ms'],
    [212.3, '212 ms'],
    [999.6, '1.0 s'],
    [1_000, '1.0 s'],
    [9_999, '9.9 s'],
    [10_000, '10 s'],
    [59_999, '59 s'],
    [60_000, '1 min 0 s'],
    [3_599_999, '59 min 59 s'],
    [7_500_000, '2 h 5 min'],
    [90_000_000, '25 h 0 min'],
  ])('tell %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it('tell a time with all its digits', () => {
    expect(clockTime(new Date(2026, 10, 21, 4, 5, 6, 7))).toBe('04:05:06.007');
  });

  it('count and list as people do', () => {
    expect([count(0, 'run'), count(1, 'run'), count(2, 'run')]).toEqual(['0 runs', '1 run', '2 runs']);
    expect([list([]), list(['r1']), list(['r1', 'r2']), list(['r1', 'r2', 'r3'])]).toEqual([
      '',
      'r1',
      'r1 and r2',
      'r1, r2 and r3',
    ]);
  });

  it('never get longer than the terminal is wide', () => {
    expect(fit('12345', 5)).toBe('12345');
    expect(fit('123456', 5)).toBe('1234…');
    expect(fit('123456', 0)).toHaveLength(1);
  });
});

describe('the status line', () => {
  const facts = {
    leader: 'r2',
    term: 4,
    living: 3,
    wanted: 3,
    runs: { total: 128, lastMinute: 71, isCutShort: false },
    received: 12,
    upMs: 83_000,
  };

  it('tells who leads and what happens', () => {
    expect(statusLine(facts)).toBe(
      'r2 leads term 4 | 3 of 3 replicas | 128 runs finished, 71 in the last minute | receiver got 12 | up 1 min 23 s',
    );
  });

  it('does not claim to have counted what it has not', () => {
    expect(statusLine({ ...facts, runs: { ...facts.runs, isCutShort: true } })).toContain(
      '| more than 128 runs finished,',
    );
  });

  it('leaves out what there is not', () => {
    expect(statusLine({ ...facts, leader: null, living: 0, wanted: 1, runs: null, received: null })).toBe(
      'no replica leads | 0 of 1 replica | up 1 min 23 s',
    );
  });
});
