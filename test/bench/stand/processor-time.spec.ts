import { describe, expect, it } from 'vitest';
import { parseBusy, parseStat } from './processor-time.js';

const LINE =
  '4711 (postgres: a) b) S 4700 4711 4711 0 -1 4194560 900 10 0 0 150 50 30 20 20 0 1 0 100 1000 200 18446744073709551615';

describe('a line of /proc/PID/stat', () => {
  it('is read behind a name that holds anything', () => {
    expect(parseStat(LINE)).toEqual({
      pid: 4711,
      name: 'postgres: a) b',
      parent: 4700,
      ownMs: 2_000,
      endedChildrenMs: 500,
    });
  });

  it('is not made up', () => {
    expect(parseStat('')).toBeNull();
  });
});

describe('the first line of /proc/stat', () => {
  it('is summed without idle and waiting time', () => {
    expect(parseBusy('cpu  100 20 30 4000 500 6 7 0 0 0\ncpu0 1 1 1 1')).toBe(1_630);
  });
});
