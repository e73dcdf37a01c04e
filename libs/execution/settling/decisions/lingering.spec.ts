// Does an end wait for others only where some are to be expected, and only if nothing waits for it?
import { describe, expect, it } from 'vitest';
import { lingerMsOf, nextPace, NO_PACE, startLingerMs, type AttemptEnd, type Pace } from './lingering.js';

const PLAIN: AttemptEnd = {
  becomes: 'finish',
  isOfFire: false,
  hasLocks: false,
  freesKey: false,
  isAwaited: false,
  makesRoom: false,
  isCountedElsewhere: false,
};
const BUSY: Pace = { lastAtMs: 0, gapMs: 5 };

/** After so many ends, each so long after the one before. */
function paceOf(count: number, everyMs: number, before = NO_PACE): Pace {
  let pace = before;
  const sinceMs = Number.isFinite(before.lastAtMs) ? before.lastAtMs : 0;
  for (let n = 1; n <= count; n += 1) pace = nextPace(pace, sinceMs + n * everyMs);
  return pace;
}

describe('an end', () => {
  it('waits while ends come often, longer if it is that of a fire', () => {
    expect(lingerMsOf(PLAIN, BUSY)).toBe(20);
    expect(lingerMsOf({ ...PLAIN, isOfFire: true }, BUSY)).toBe(250);
    expect(startLingerMs(BUSY)).toBe(250);
    expect(lingerMsOf({ ...PLAIN, becomes: 'recorded' }, BUSY)).toBe(20);
  });

  it.each([
    ['goes on as another attempt', { becomes: 'retry' }],
    ['is put off', { becomes: 'put-off' }],
    ['is given back', { becomes: 'give-back' }],
    ['goes to a worker', { becomes: 'park' }],
    ['holds locks', { hasLocks: true }],
    ['frees a unique key', { freesKey: true }],
    ['is waited for', { isAwaited: true }],
    ['makes room for one that is not claimed', { makesRoom: true }],
    ['is counted by the next owner', { isCountedElsewhere: true }],
  ] as const)('of a run that %s waits for nothing', (_, facts) => {
    expect(lingerMsOf({ ...PLAIN, isOfFire: true, ...facts }, BUSY)).toBe(0);
  });

  it.each([
    { everyMs: 10, alone: 20, ofFire: 250 },
    { everyMs: 200, alone: 0, ofFire: 250 },
    { everyMs: 500, alone: 0, ofFire: 0 },
  ])('waits $alone ms, or $ofFire ms, where they come every $everyMs ms', ({ everyMs, alone, ofFire }) => {
    const pace = paceOf(200, everyMs);
    expect([lingerMsOf(PLAIN, pace), lingerMsOf({ ...PLAIN, isOfFire: true }, pace)]).toEqual([
      alone,
      ofFire,
    ]);
  });

  it('that is the first, or comes after a silence, waits for nothing', () => {
    expect(lingerMsOf(PLAIN, nextPace(NO_PACE, 0))).toBe(0);
    const busy = paceOf(200, 2);
    expect(lingerMsOf(PLAIN, busy)).toBe(20);
    expect(lingerMsOf(PLAIN, nextPace(busy, busy.lastAtMs + 3_600_000))).toBe(0);
  });

  it('waits again soon after a silence, however long that was', () => {
    const pace = nextPace(paceOf(200, 2), 3_600_000);
    expect(lingerMsOf(PLAIN, paceOf(40, 2, pace))).toBe(20);
  });
});
