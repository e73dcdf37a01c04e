// What is planned around the end of a pause?
import { describe, expect, it } from 'vitest';
import type { CatchUp } from './catch-up.js';
import type { ScheduleSpec } from './due-times.js';
import { decideGap } from './gap.js';
import { CATCH_UP, planSchedule, type PlannedFire, type PlanningInput } from './planning.js';
import type { Standing } from './standing.js';

const now = new Date('2026-11-21T08:00:00.000Z');
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const plus = (ms: number): Date => new Date(now.getTime() + ms);
/** Each minute on the minute. */
const spec: ScheduleSpec = { kind: 'every', seconds: 60, anchorAt: plus(-60 * MINUTE_MS) };
const plan = (wish: Partial<PlanningInput>) =>
  planSchedule({
    spec,
    state: 'paused',
    pausedUntil: null,
    suspension: null,
    nextDueAt: now,
    now,
    lookAheadMs: 10 * SECOND_MS,
    catchUp: { mode: 'none' },
    graceMs: MINUTE_MS,
    limit: 500,
    ...wish,
  });

describe('a schedule whose pause has an end', () => {
  const paused = (untilMs: number) => ({ state: 'paused' as const, pausedUntil: plus(untilMs) });
  const shown = (fires: readonly PlannedFire[]) =>
    fires.map(({ dueAt, outcome, reason }) => [(+dueAt - +now) / MINUTE_MS, outcome, reason]);

  it('is planned ahead from the end on, once all that is due before has passed', () => {
    const { fires, nextDueAt: next } = plan({ ...paused(1), nextDueAt: now, lookAheadMs: 2 * MINUTE_MS });
    expect(shown(fires)).toEqual([
      [0, 'skipped', 'paused'],
      [1, 'planned', null],
      [2, 'planned', null],
    ]);
    expect(next).toEqual(plus(3 * MINUTE_MS));
  });

  it('is planned no further than the first due time ahead that is before the end', () => {
    const wish = { ...paused(90 * SECOND_MS), nextDueAt: now, lookAheadMs: 5 * MINUTE_MS };
    expect(plan(wish)).toMatchObject({
      fires: [{ dueAt: now, outcome: 'skipped' }],
      nextDueAt: plus(MINUTE_MS),
    });
    const nothing = { fires: [], gap: null, nextDueAt: plus(MINUTE_MS) };
    expect(plan({ ...wish, nextDueAt: plus(MINUTE_MS) })).toEqual(nothing);
  });

  it('after an outage catches up on what was due from the end on, and leaves the rest behind with the pause', () => {
    const catchUp: CatchUp = { mode: 'all', withinSeconds: 86_400, max: 100 };
    const wish = { ...paused(-150 * SECOND_MS), catchUp, graceMs: 30 * SECOND_MS };
    const { fires, gap } = plan({ ...wish, nextDueAt: plus(-5 * MINUTE_MS) });
    expect(shown(fires)).toEqual([
      [-2, 'planned', CATCH_UP],
      [-1, 'planned', CATCH_UP],
      [0, 'planned', null],
    ]);
    expect(gap).toMatchObject({ from: plus(-5 * MINUTE_MS), to: plus(-2 * MINUTE_MS) });
    if (gap === null) expect.unreachable('expected a gap');
    const standing: Standing = { ...paused(-150 * SECOND_MS), suspension: null };
    const { fires: past } = decideGap({ ...gap, ...standing, spec }, 10);
    expect(past.map(({ outcome, reason }) => [outcome, reason])).toEqual(
      past.map(() => ['skipped', 'paused']),
    );
  });

  it('while its tenant is suspended makes up for nothing', () => {
    const suspension = { from: plus(-MINUTE_MS), to: null };
    const { fires, gap } = plan({ ...paused(-3 * MINUTE_MS), suspension, nextDueAt: plus(-5 * MINUTE_MS) });
    expect(shown(fires).map(([, ...what]) => what)).toEqual(fires.map(() => ['skipped', 'suspended']));
    expect(gap).toMatchObject({ outcome: 'missed', reason: 'suspended' });
  });
});
