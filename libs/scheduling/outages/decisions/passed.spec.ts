// Does a due time that was planned before an outage follow the policy of its schedule, as one that was not planned?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catchUpOn, type CatchUp } from '#scheduling/decisions/catch-up.js';
import { dueTimes, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { GRACE_MS, notCaughtUp } from './passed.js';

const every = (seconds: number): ScheduleSpec => ({ kind: 'every', seconds, anchorAt: new Date(0) });
const at = (second: number) => new Date(second * 1_000);
const said = (spec: ScheduleSpec, catchUp: CatchUp, second: number, end = 1_000): unknown =>
  notCaughtUp({ spec, catchUp, dueAt: at(second), outageEndedAt: at(end) });

describe('a due time that was planned before an outage', () => {
  it('is missed where the schedule catches up on nothing', () => {
    expect(said(every(600), { mode: 'none' }, 600)).toEqual({ outcome: 'missed', reason: 'no catch-up' });
  });

  it('runs where it is the latest, and is coalesced where a later one passed as well', () => {
    const latest: CatchUp = { mode: 'latest', withinSeconds: 86_400 };
    expect(said(every(600), latest, 600)).toBeNull();
    expect(said(every(300), latest, 600)).toEqual({ outcome: 'coalesced', reason: 'outage' });
    // 995 is within the grace, and runs anyway.
    expect(said({ kind: 'instants', instants: [at(600), at(995)] }, latest, 600)).toEqual({
      outcome: 'coalesced',
      reason: 'outage',
    });
  });

  it('is missed once it is older than the window', () => {
    const window = { outcome: 'missed', reason: 'catch-up window' };
    expect(said(every(600), { mode: 'latest', withinSeconds: 399 }, 600)).toEqual(window);
    expect(said(every(600), { mode: 'latest', withinSeconds: 400 }, 600)).toBeNull();
    expect(said(every(600), { mode: 'all', withinSeconds: 399, max: 9 }, 600)).toEqual(window);
  });

  it('is one of so many at most', () => {
    const two: CatchUp = { mode: 'all', withinSeconds: 86_400, max: 2 };
    const missed = { outcome: 'missed', reason: 'catch-up limit' };
    expect([700, 800, 900].map((second) => said(every(100), two, second))).toEqual([missed, null, null]);
  });

  it('runs if and only if the policy chooses it of all that passed', () => {
    const policies = fc.oneof(
      fc.constant<CatchUp>({ mode: 'none' }),
      fc.record({ mode: fc.constant('latest' as const), withinSeconds: fc.integer({ min: 1, max: 900 }) }),
      fc.record({
        mode: fc.constant('all' as const),
        withinSeconds: fc.integer({ min: 1, max: 900 }),
        max: fc.integer({ min: 1, max: 9 }),
      }),
    );
    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: 7, max: 400 }),
        fc.integer({ min: 20, max: 900 }),
        (catchUp, seconds, end) => {
          const spec = every(seconds);
          const now = at(end);
          const to = new Date(now.getTime() - GRACE_MS);
          const later = dueTimes(spec, { after: new Date(+to - 1), through: now, limit: 1 });
          const passed = dueTimes(spec, { after: at(0), through: new Date(+to - 1), limit: 1_000 });
          const [from] = passed;
          if (from === undefined) return;
          const chosen = catchUpOn({
            spec,
            catchUp,
            now,
            from,
            to,
            isLaterDue: later.length > 0,
            heldUntil: null,
          });
          const running = passed.filter(
            (dueAt) => notCaughtUp({ spec, catchUp, dueAt, outageEndedAt: now }) === null,
          );
          expect(running).toEqual(chosen.dueTimes);
        },
      ),
    );
  });
});
