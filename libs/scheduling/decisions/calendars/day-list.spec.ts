import { describe, expect, it } from 'vitest';
import { endOfStretch, firstDayFrom, isEntry, joinedDays, readDays } from './day-list.js';

const day = (date: string): number => Date.parse(date) / 86_400_000;

describe('an entry of a calendar', () => {
  it.each([
    '2026-12-25',
    '2024-02-29',
    '2026-12-28/2027-01-03',
    '2026-12-28/2026-12-28',
    '2026-01-01/2027-01-01',
    '--12-25',
    '--02-29',
  ])('may be %s', (text) => {
    expect(isEntry(text)).toBe(true);
  });

  it.each([
    '',
    '2026-02-29',
    '2026-13-01',
    '2026-00-01',
    '2026-1-1',
    '20261225',
    '0026-12-25',
    '2027-01-03/2026-12-28',
    '2026-01-01/2027-01-02',
    '2026-01-01/P1D',
    '2026-01-01/2026-01-02/2026-01-03',
    '--12-32',
    '--02-30',
    '--1225',
    '12-25',
    '2026-12-25T00:00:00Z',
    '2026-12-25,2026-12-26',
  ])('is not %j', (text) => {
    expect(isEntry(text)).toBe(false);
  });
});

describe('days of calendars', () => {
  it('are written in order, once, and joined where they touch', () => {
    const entries = ['--12-25', '2026-01-03', '2026-01-01/2026-01-02', '2026-05-01', '2026-05-01', '--01-01'];
    expect(joinedDays(entries)).toBe('2026-01-01/2026-01-03,2026-05-01,--01-01,--12-25');
    expect(joinedDays([])).toBe('');
    expect(readDays('')).toEqual({ ranges: [], yearly: [] });
  });

  it('are found by a day', () => {
    const list = readDays('2026-01-01/2026-01-03,2026-05-01,--02-29');
    expect(endOfStretch(list, day('2025-12-31'))).toBeNull();
    expect(endOfStretch(list, day('2026-01-02'))).toBe(day('2026-01-03'));
    expect(endOfStretch(list, day('2028-02-29'))).toBe(day('2028-02-29'));
    expect(firstDayFrom(list, day('2026-01-02'))).toBe(day('2026-01-02'));
    expect(firstDayFrom(list, day('2026-01-04'))).toBe(day('2026-05-01'));
    expect(firstDayFrom(list, day('2096-03-01'))).toBe(day('2104-02-29'));
    expect(firstDayFrom(readDays('2026-05-01'), day('2026-05-02'))).toBeNull();
  });

  it('that nothing of ours has written are refused', () => {
    expect(() => readDays('2026-13-01')).toThrow(RangeError);
  });
});
