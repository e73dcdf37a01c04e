// Are a zone's changes found to the second, wherever they lie, and are they those of the runtime?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { zoneChanges } from './zone-changes.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** As long as what is looked for at once. */
const BLOCK_MS = 32 * DAY_MS;

/** A zone whose clock is set at these instants, to and fro. */
const clockSetAt = (changes: readonly number[]) => (atMs: number) =>
  changes.filter((changeMs) => changeMs <= atMs).length % 2 === 0 ? 0 : HOUR_MS;

describe('the changes of a zone', () => {
  it.each([
    ['at the beginning of a block', [640 * BLOCK_MS]],
    ['at the last second of a block', [641 * BLOCK_MS - 1_000]],
    ['at the first second of a block', [640 * BLOCK_MS + 1_000]],
    ['a week apart', [640 * BLOCK_MS + DAY_MS, 640 * BLOCK_MS + 8 * DAY_MS]],
    ['a week apart, in two blocks', [640 * BLOCK_MS - 3 * DAY_MS, 640 * BLOCK_MS + 4 * DAY_MS]],
  ])('are found %s', (_where, changes) => {
    const offsetAt = clockSetAt(changes);
    const zone = zoneChanges(offsetAt);
    const throughMs = 650 * BLOCK_MS;
    const found: number[] = [];
    for (let afterMs = 630 * BLOCK_MS; ;) {
      const changeMs = zone.firstChange({ afterMs, throughMs });
      if (changeMs === null) break;
      found.push(changeMs);
      afterMs = changeMs;
    }
    expect(found).toEqual(changes);
    for (const changeMs of changes)
      for (const atMs of [changeMs - 1, changeMs, changeMs + 1])
        expect(zone.offsetMs(atMs)).toBe(offsetAt(atMs));
  });

  it('lie after the beginning of a span, and up to its end', () => {
    const zone = zoneChanges(clockSetAt([5_000]));
    expect(zone.firstChange({ afterMs: 4_999, throughMs: 5_000 })).toBe(5_000);
    expect(zone.firstChange({ afterMs: 5_000, throughMs: 9_000 })).toBeNull();
    expect(zone.firstChange({ afterMs: 0, throughMs: 4_999 })).toBeNull();
  });

  it('are asked about once, however often they are needed', () => {
    let asked = 0;
    const zone = zoneChanges(() => {
      asked += 1;
      return 0;
    });
    zone.offsetMs(0);
    const once = asked;
    for (let day = 0; day < 32; day += 1) zone.offsetMs(day * DAY_MS);
    expect(asked).toBe(once);
  });

  it('give each instant the offset that the runtime gives it, in the order of any questions', () => {
    const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
    const instants = fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2100, 0, 1) });
    fc.assert(
      fc.property(zones, fc.array(instants, { minLength: 1, maxLength: 5 }), (timeZone, asked) => {
        const formatter = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
        const askRuntime = (atMs: number): number => {
          const [, sign = '+', hours = '0', minutes = '0', seconds = '0'] =
            /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(formatter.format(atMs)) ?? [];
          return (
            Number(`${sign}1`) * (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000
          );
        };
        const zone = zoneChanges(askRuntime);
        for (const atMs of asked) expect(zone.offsetMs(atMs)).toBe(askRuntime(atMs));
      }),
    );
  });
});
