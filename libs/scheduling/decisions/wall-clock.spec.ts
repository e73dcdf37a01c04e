// Does the wall clock show what it should, in odd zones and around their changes?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstShownMs, isTimeZone, latestShownMs, offsetChange, offsetMs } from './wall-clock.js';

const HOUR_MS = 3_600_000;
const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const instants = fc
  .integer({ min: Date.UTC(1975, 0, 1) / 60_000, max: Date.UTC(2080, 0, 1) / 60_000 })
  .map((minutes) => minutes * 60_000);

describe('the wall clock', () => {
  it.each([
    ['UTC', '2026-01-01T00:00Z', 0],
    ['Asia/Kathmandu', '2026-01-01T00:00Z', 5.75],
    ['America/St_Johns', '2026-07-01T00:00Z', -2.5],
    ['Pacific/Kiritimati', '2026-01-01T00:00Z', 14],
    ['Africa/Monrovia', '1971-01-01T00:00Z', -(44 * 60 + 30) / 3600],
  ])('of %s at %s is %d hours from UTC', (timeZone, at, hours) => {
    expect(offsetMs(timeZone, Date.parse(at))).toBeCloseTo(hours * HOUR_MS, 5);
  });

  it('shows every time that it ever shows for the first time at or before any instant that shows it', () => {
    fc.assert(
      fc.property(zones, instants, (timeZone, atMs) => {
        const shownMs = atMs + offsetMs(timeZone, atMs);
        const firstMs = firstShownMs(timeZone, shownMs);
        expect(firstMs).toBeLessThanOrEqual(atMs);
        expect(firstMs + offsetMs(timeZone, firstMs)).toBe(shownMs);
      }),
    );
  });

  it('shows later times no sooner', () => {
    fc.assert(
      fc.property(zones, instants, fc.nat(3 * 24 * HOUR_MS), (timeZone, wallMs, laterMs) => {
        expect(firstShownMs(timeZone, wallMs + laterMs)).toBeGreaterThanOrEqual(
          firstShownMs(timeZone, wallMs),
        );
      }),
    );
  });

  it.each([
    ['Europe/Berlin', '2026-10-25T00:59:59.999Z', '2026-10-25T02:59:59.999Z'],
    ['Europe/Berlin', '2026-10-25T01:00Z', '2026-10-25T02:59:59.999Z'],
    ['Europe/Berlin', '2026-10-25T01:59:59.999Z', '2026-10-25T02:59:59.999Z'],
    ['Europe/Berlin', '2026-10-25T02:00Z', '2026-10-25T03:00Z'],
    ['Europe/Berlin', '2026-03-29T01:00Z', '2026-03-29T03:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T15:29Z', '2026-04-05T01:59:59.999Z'],
    ['Asia/Kathmandu', '2026-10-25T01:00Z', '2026-10-25T06:45Z'],
  ])('in %s at %s has come as far as %s', (timeZone, at, wall) => {
    expect(latestShownMs(timeZone, Date.parse(at))).toBe(Date.parse(wall));
  });

  it('shows a time for the first time after an instant if it is later than all shown by then, and only then', () => {
    const near = fc.integer({ min: -3 * HOUR_MS, max: 3 * HOUR_MS });
    const autumns = fc.constantFrom(
      '2026-10-25T01:00Z',
      '2026-11-01T06:00Z',
      '2026-04-04T15:00Z',
      '2026-10-29T21:00Z',
    );
    const autumnZones = fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'Africa/Cairo',
    );
    fc.assert(
      fc.property(autumnZones, autumns, near, near, (timeZone, autumn, sinceMs, aheadMs) => {
        const atMs = Date.parse(autumn) + sinceMs;
        const wallMs = atMs + offsetMs(timeZone, atMs) + aheadMs;
        expect(firstShownMs(timeZone, wallMs) > atMs).toBe(wallMs > latestShownMs(timeZone, atMs));
      }),
      { numRuns: 2_000 },
    );
  });

  it('changes its offset on the very second that the zone prescribes', () => {
    const span = {
      afterMs: Date.parse('2026-03-28T12:34:56.789Z'),
      throughMs: Date.parse('2026-03-30T00:00:00.001Z'),
    };
    expect(offsetChange('Europe/Berlin', span)).toBe(Date.parse('2026-03-29T01:00:00Z'));
    expect(offsetChange('Asia/Kathmandu', span)).toBeNull();
  });

  it('exists for names only', () => {
    expect(['Europe/Berlin', 'UTC', 'europe/berlin', 'Etc/GMT+5'].map(isTimeZone)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['', '+02:00', 'Mars/Olympus', 'Europe/Berlin '].map(isTimeZone)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
