// Does a mark stay where nothing was left behind it, and only there?
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { LaneMarks, scansBetween } from './lane-marks.js';

const slot = asId.slot(3);
const tenantId = asId.tenant('00000000-0000-4000-8000-000000000001');
const lane = { slot, tenantId, lane: 'default/noop' };
const id = asId.run('00000000-0000-7000-8000-000000000001');
/** A claim has taken so many runs, the last of this rank. */
const upTo = (rankMs: number, count = 1) => ({ count, last: { rankUs: rankMs * 1_000, id } });
const nothing = { count: 0, last: null };
const slots = new Set([slot]);

describe('a mark', () => {
  it('is a second behind the last run that was taken, once enough were', () => {
    const marks = new LaneMarks(3);
    marks.noteClaimed([lane], [upTo(20_000, 2)]);
    expect([marks.markOf(lane), marks.markedIn(slots)]).toEqual([null, []]);
    marks.noteClaimed([lane], [upTo(30_000)]);
    expect(marks.markOf(lane)).toBe(29_000);
    expect(marks.markedIn(slots)).toEqual([{ ...lane, mark: 29_000 }]);
    expect(marks.markedIn(new Set())).toEqual([]);
  });

  it('stays where nothing is found, and does not go back', () => {
    const marks = new LaneMarks(0);
    marks.noteClaimed([lane], [upTo(30_000)]);
    marks.noteClaimed([lane], [nothing]);
    marks.noteClaimed([lane], [upTo(29_500)]);
    expect(marks.markOf(lane)).toBe(29_000);
  });

  it('is not used by the first claim after a full look has found something, and begins anew with it', () => {
    const marks = new LaneMarks(0);
    marks.noteClaimed([lane], [upTo(30_000)]);
    marks.noteFound([lane]);
    expect(marks.markOf(lane)).toBeNull();
    expect(marks.markedIn(slots)).toHaveLength(1);
    marks.noteClaimed([lane], [upTo(5_000)]);
    expect(marks.markOf(lane)).toBe(4_000);
  });

  it('goes on with runs that enter, and stays unused where something was found', () => {
    const marks = new LaneMarks(0);
    marks.noteEntered(lane, upTo(30_000).last);
    expect(marks.markOf(lane)).toBe(29_000);
    marks.noteFound([lane]);
    marks.noteEntered(lane, upTo(40_000).last);
    expect(marks.markOf(lane)).toBeNull();
    marks.noteClaimed([lane], [nothing]);
    expect(marks.markOf(lane)).toBe(39_000);
  });

  it('is forgotten with its slot', () => {
    const marks = new LaneMarks(0);
    marks.noteClaimed([lane], [upTo(30_000)]);
    marks.forget((of) => of !== slot);
    expect(marks.markOf(lane)).toBe(29_000);
    marks.forget((of) => of === slot);
    expect(marks.markOf(lane)).toBeNull();
  });
});

describe('looks around marked lanes', () => {
  it('cover all that lies between them, in the order of the index', () => {
    const other = { ...lane, lane: 'default/\u{1F600}' };
    // By its bytes above the private use area, by UTF-16 below.
    const last = { ...lane, lane: 'default/\uE000' };
    expect(scansBetween([slot, asId.slot(4)], [other, lane, last])).toEqual([
      { slot, after: null, before: lane },
      { slot, after: lane, before: last },
      { slot, after: last, before: other },
      { slot, after: other },
      { slot: asId.slot(4), after: null },
    ]);
  });
});
