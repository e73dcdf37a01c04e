// Is each due time of a gap decided once, piece by piece, and with the reason that held when it was due?
import { describe, expect, it } from 'vitest';
import { decideGap, type GapToDecide } from './gap.js';

const MINUTE_MS = 60_000;
const plus = (ms: number): Date => new Date(Date.parse('2026-11-21T08:00:00.000Z') + ms);

describe('a gap', () => {
  const from = plus(-10 * MINUTE_MS);
  const gap = (wish: Partial<GapToDecide> = {}): GapToDecide => ({
    spec: { kind: 'every', seconds: 60, anchorAt: plus(-60 * MINUTE_MS) },
    state: 'active',
    pausedUntil: null,
    suspension: null,
    outcome: 'missed',
    reason: 'catch-up window',
    from,
    to: plus(-5 * MINUTE_MS),
    ...wish,
  });

  it('is coalesced where a later run stands for it', () => {
    const { fires } = decideGap(gap({ outcome: 'coalesced', reason: 'outage' }), 1);
    expect(fires).toEqual([{ dueAt: from, outcome: 'coalesced', reason: 'outage' }]);
  });

  it('is missed from its first due time on and before its end', () => {
    const { fires, restFrom } = decideGap(gap(), 100);
    expect(fires).toEqual(
      [-10, -9, -8, -7, -6].map((minute) => ({
        dueAt: plus(minute * MINUTE_MS),
        outcome: 'missed',
        reason: 'catch-up window',
      })),
    );
    expect(restFrom).toBeNull();
  });

  it('is decided in pieces, each of which says where the next begins', () => {
    expect(decideGap(gap(), 4)).toMatchObject({ fires: { length: 4 }, restFrom: plus(-6 * MINUTE_MS) });
    expect(decideGap(gap(), 5)).toMatchObject({ fires: { length: 5 }, restFrom: null });
    expect(decideGap(gap(), 1)).toMatchObject({ fires: [{ dueAt: from }], restFrom: plus(-9 * MINUTE_MS) });
  });

  it('is skipped where the schedule was paused, or the tenant suspended', () => {
    expect(decideGap(gap({ state: 'paused' }), 100).fires.map(({ outcome }) => outcome)).toEqual(
      Array<string>(5).fill('skipped'),
    );
    const suspension = { from: plus(-9 * MINUTE_MS), to: plus(-7 * MINUTE_MS) };
    const { fires } = decideGap(gap({ suspension }), 100);
    expect(fires.map(({ reason }) => reason)).toEqual([
      'catch-up window',
      'suspended',
      'suspended',
      'catch-up window',
      'catch-up window',
    ]);
  });
});
