// Does every due time get exactly one decision, the right one, however late and in however many pieces the planner
// comes (I1)? What the ledger would hold, with what the gaps become behind it, is played here pass by pass.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CatchUp } from './catch-up.js';
import { dueTimes, nextDueAt, type Rule, type ScheduleSpec } from './due-times.js';
import { decideGap } from './gap.js';
import { inOrder } from './kinds/instants.js';
import { CATCH_UP, planSchedule, type PlannedFire, type PlanningInput } from './planning.js';
import { isPausedAt, type Standing } from './standing.js';

const now = new Date('2026-11-21T08:00:00.000Z');
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const plus = (ms: number, instant = now): Date => new Date(instant.getTime() + ms);

const NONE: CatchUp = { mode: 'none' };

/** Each minute on the minute, with its first due time still undecided; nothing is caught up on. */
const plan = (wish: Partial<PlanningInput> = {}) =>
  planSchedule({
    spec: { kind: 'every', seconds: 60, anchorAt: plus(-60 * MINUTE_MS) },
    state: 'active',
    pausedUntil: null,
    suspension: null,
    nextDueAt: now,
    now,
    lookAheadMs: 10 * SECOND_MS,
    catchUp: NONE,
    graceMs: MINUTE_MS,
    limit: 500,
    ...wish,
  });
const NOT_CAUGHT_UP = { outcome: 'missed', reason: 'no catch-up' } as const;
const outcomes = (fires: readonly PlannedFire[]) => fires.map(({ outcome }) => outcome);

describe('an active schedule', () => {
  it('is planned up to and including the end of the look-ahead', () => {
    expect(plan({ nextDueAt: plus(10 * SECOND_MS), lookAheadMs: 10 * SECOND_MS }).fires).toEqual([
      { dueAt: plus(10 * SECOND_MS), outcome: 'planned', reason: null },
    ]);
    const untouched = plan({ nextDueAt: plus(10 * SECOND_MS + 1) });
    expect(untouched).toEqual({ fires: [], gap: null, nextDueAt: plus(10 * SECOND_MS + 1) });
  });

  it('goes on with the due time after the last that was decided', () => {
    const { fires, nextDueAt: next } = plan({ lookAheadMs: 3 * MINUTE_MS });
    expect(fires.map(({ dueAt }) => dueAt)).toEqual([0, 1, 2, 3].map((minute) => plus(minute * MINUTE_MS)));
    expect(next).toEqual(plus(4 * MINUTE_MS));
  });

  it('plans a due time that is as old as the grace, and leaves an older one behind', () => {
    const at = plus(-MINUTE_MS);
    const spec: ScheduleSpec = { kind: 'at', at };
    expect(plan({ spec, nextDueAt: at, graceMs: MINUTE_MS })).toMatchObject({
      fires: [{ dueAt: at, outcome: 'planned', reason: null }],
      gap: null,
    });
    expect(plan({ spec, nextDueAt: at, graceMs: MINUTE_MS - 1 })).toEqual({
      fires: [],
      gap: { from: at, to: plus(1 - MINUTE_MS), ...NOT_CAUGHT_UP },
      nextDueAt: null,
    });
  });

  it('after a long absence is planned where it should be by now, with all that lies before as one gap', () => {
    const from = plus(-1_440 * MINUTE_MS);
    const { fires, gap, nextDueAt: next } = plan({ nextDueAt: from, lookAheadMs: MINUTE_MS });
    expect(fires).toEqual(
      [-1, 0, 1].map((minute) => ({ dueAt: plus(minute * MINUTE_MS), outcome: 'planned', reason: null })),
    );
    expect(gap).toEqual({ from, to: plus(-MINUTE_MS), ...NOT_CAUGHT_UP });
    expect(next).toEqual(plus(2 * MINUTE_MS));
  });

  it('with nothing due in the grace leaves the past behind and goes on with what comes', () => {
    const from = plus(-90 * MINUTE_MS);
    const spec: ScheduleSpec = { kind: 'every', seconds: 3_600, anchorAt: from };
    expect(plan({ spec, nextDueAt: from })).toEqual({
      fires: [],
      gap: { from, to: plus(-MINUTE_MS), ...NOT_CAUGHT_UP },
      nextDueAt: plus(30 * MINUTE_MS),
    });
  });

  it('is planned no further than the limit, and goes on there', () => {
    const first = plan({ nextDueAt: now, limit: 4, lookAheadMs: 9 * MINUTE_MS });
    expect(first.fires).toHaveLength(4);
    expect(first.nextDueAt).toEqual(plus(4 * MINUTE_MS));
    expect(plan({ limit: 1, lookAheadMs: 9 * MINUTE_MS })).toMatchObject({
      fires: [{ dueAt: now }],
      nextDueAt: plus(MINUTE_MS),
    });
  });

  it('with a single instant is due then, and never again', () => {
    const at = plus(5 * SECOND_MS);
    expect(plan({ spec: { kind: 'at', at }, nextDueAt: at })).toEqual({
      fires: [{ dueAt: at, outcome: 'planned', reason: null }],
      gap: null,
      nextDueAt: null,
    });
  });
});

describe('a paused schedule', () => {
  it('skips what has passed, and says that it was paused', () => {
    const { fires, nextDueAt: next } = plan({
      state: 'paused',
      nextDueAt: plus(-2 * MINUTE_MS),
      graceMs: 2 * MINUTE_MS,
    });
    expect(fires).toEqual(
      [-2, -1, 0].map((minute) => ({
        dueAt: plus(minute * MINUTE_MS),
        outcome: 'skipped',
        reason: 'paused',
      })),
    );
    expect(next).toEqual(plus(MINUTE_MS));
  });

  it('decides nothing ahead, since it may be resumed before', () => {
    const due = plus(1);
    expect(plan({ state: 'paused', nextDueAt: due, lookAheadMs: MINUTE_MS })).toEqual({
      fires: [],
      gap: null,
      nextDueAt: due,
    });
  });
});

describe('a schedule of a suspended tenant', () => {
  const suspended = { suspension: { from: plus(-90 * SECOND_MS), to: null } };

  it('skips what has passed since, and makes up for what was due before', () => {
    const { fires } = plan({ ...suspended, nextDueAt: plus(-2 * MINUTE_MS), graceMs: 2 * MINUTE_MS });
    expect(fires.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['planned', null],
      ['skipped', 'suspended'],
      ['skipped', 'suspended'],
    ]);
  });

  it('decides nothing ahead, since the tenant may be resumed before', () => {
    expect(plan({ ...suspended, nextDueAt: plus(1), lookAheadMs: MINUTE_MS }).fires).toEqual([]);
  });

  it('that was resumed skips what was due before, however late that is decided, and plans what is due since', () => {
    const suspension = { from: plus(-90 * SECOND_MS), to: plus(-SECOND_MS) };
    const { fires } = plan({ suspension, nextDueAt: plus(-MINUTE_MS), lookAheadMs: MINUTE_MS });
    expect(outcomes(fires)).toEqual(['skipped', 'planned', 'planned']);
  });
});

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'] as const;
const rhythms = ['* * * * *', '*/7 * * * *', '0 * * * *', '30 2 * * *', '15,45 9-17 * * 1-5'] as const;
/** Around a clock change, so that a pass may end inside a gap or a fold. */
const starts = fc
  .integer({ min: -48 * 60, max: 48 * 60 })
  .map((minutes) => plus(minutes * MINUTE_MS, new Date('2026-10-25T01:00:00Z')));
const rules: fc.Arbitrary<Rule> = fc.oneof(
  fc.record({
    kind: fc.constant('cron' as const),
    expression: fc.constantFrom(...rhythms),
    timeZone: fc.constantFrom(...zones),
  }),
  fc.record({
    kind: fc.constant('every' as const),
    seconds: fc.integer({ min: 20, max: 100_000 }),
    anchorAt: starts,
  }),
  fc.record({
    kind: fc.constant('rrule' as const),
    rule: fc.constantFrom('FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=0,30', 'FREQ=WEEKLY;BYDAY=SU,MO;BYSETPOS=-1'),
    timeZone: fc.constantFrom(...zones),
    anchorAt: starts,
  }),
  fc.record({ kind: fc.constant('at' as const), at: starts }),
  fc.record({
    kind: fc.constant('instants' as const),
    instants: fc.array(starts, { minLength: 1, maxLength: 50 }).map(inOrder),
  }),
);
const specs: fc.Arbitrary<ScheduleSpec> = fc.oneof(
  { weight: 2, arbitrary: rules },
  fc.record({ kind: fc.constant('anyOf' as const), specs: fc.array(rules, { minLength: 2, maxLength: 4 }) }),
);
const CAUGHT_UP_MAX = 20;
const withinSeconds = fc.integer({ min: 1, max: 8 * 3_600 });
const policies: fc.Arbitrary<CatchUp> = fc.oneof(
  fc.constant(NONE),
  fc.record({ mode: fc.constant('latest' as const), withinSeconds }),
  fc.record({
    mode: fc.constant('all' as const),
    withinSeconds,
    max: fc.integer({ min: 1, max: CAUGHT_UP_MAX }),
  }),
);
/** A pass comes some time after the one before it, looks some time ahead, and decides so much at most. */
const passes = fc.array(
  fc.record({
    gapMs: fc.oneof(fc.nat(2 * SECOND_MS), fc.nat(10 * MINUTE_MS), fc.nat(6 * 60 * MINUTE_MS)),
    lookAheadMs: fc.nat(30 * MINUTE_MS),
    limit: fc.integer({ min: 1, max: 20 }),
    state: fc.constantFrom('active' as const, 'paused' as const),
    /** From the pass on; none for a pause without an end. */
    pausedForMs: fc.option(fc.integer({ min: -60 * MINUTE_MS, max: 60 * MINUTE_MS })),
    catchUp: policies,
  }),
  { minLength: 1, maxLength: 12 },
);

describe('any sequence of passes', () => {
  it('decides each due time once and in order, and just those that one big pass would', () => {
    fc.assert(
      fc.property(specs, starts, passes, (spec, createdAt, sequence) => {
        const first = nextDueAt(spec, createdAt);
        fc.pre(first !== null);
        let next: Date | null = first;
        let [at, reached] = [createdAt, createdAt];
        const decided: Date[] = [];
        for (const { gapMs, state, pausedForMs, ...settings } of sequence) {
          at = plus(gapMs, at);
          const pausedUntil = pausedForMs === null ? null : plus(pausedForMs, at);
          const standing: Standing = { state, pausedUntil, suspension: null };
          const ahead = plus(settings.lookAheadMs, at);
          // What was planned before stays, since no request has paused it here.
          const undecided = { after: reached > at ? reached : at, through: ahead, limit: 100_000 };
          const heldAhead = dueTimes(spec, undecided).find((dueAt) => isPausedAt(standing, dueAt));
          // All that is due ahead up to there.
          const through = heldAhead === undefined ? ahead : at;
          if (through > reached) reached = through;
          // A planner that comes back until nothing is left, as the loop does.
          for (let more = true; more && next !== null;) {
            const pass = planSchedule({
              ...standing,
              ...settings,
              spec,
              nextDueAt: next,
              now: at,
              graceMs: MINUTE_MS,
            });
            const caughtUp = pass.fires.filter(({ reason }) => reason === CATCH_UP).length;
            expect(pass.fires.length - caughtUp).toBeLessThanOrEqual(settings.limit);
            expect(caughtUp).toBeLessThanOrEqual(CAUGHT_UP_MAX);
            // It only ever moves on, so this loop ends.
            if (pass.fires.length > 0 && pass.nextDueAt !== null)
              expect(+pass.nextDueAt).toBeGreaterThan(+next);
            // In the ledger the past comes later; here it is put where it belongs.
            let rest = pass.gap?.from ?? null;
            while (pass.gap !== null && rest !== null) {
              const piece = decideGap({ ...standing, ...pass.gap, spec, from: rest }, settings.limit);
              expect(piece.fires.length).toBeLessThanOrEqual(settings.limit);
              decided.push(...piece.fires.map(({ dueAt }) => dueAt));
              rest = piece.restFrom;
            }
            decided.push(...pass.fires.map(({ dueAt }) => dueAt));
            next = pass.nextDueAt;
            more = pass.fires.length - caughtUp === settings.limit;
          }
        }
        const once = dueTimes(spec, { after: createdAt, through: reached, limit: 100_000 });
        expect(decided).toEqual(once);
        expect(next).toEqual(nextDueAt(spec, once.at(-1) ?? createdAt));
      }),
    );
  });

  it('plans nothing further ahead than it looks, and leaves behind all that is too old and nothing else', () => {
    const settings = fc.record({ lookAheadMs: fc.nat(30 * MINUTE_MS), graceMs: fc.nat(30 * MINUTE_MS) });
    fc.assert(
      fc.property(
        specs,
        starts,
        fc.nat(6 * 60 * MINUTE_MS),
        settings,
        (spec, createdAt, lateMs, { lookAheadMs, graceMs }) => {
          const first = nextDueAt(spec, createdAt);
          fc.pre(first !== null);
          const at = plus(lateMs, createdAt);
          const { fires, gap } = plan({ spec, nextDueAt: first, now: at, lookAheadMs, graceMs });
          const left = { from: first, to: plus(-graceMs, at), ...NOT_CAUGHT_UP };
          expect(gap).toEqual(+at - +first > graceMs ? left : null);
          for (const { dueAt, outcome } of fires) {
            const ageMs = at.getTime() - dueAt.getTime();
            expect(outcome).toBe('planned');
            expect(ageMs).toBeLessThanOrEqual(graceMs);
            expect(ageMs).toBeGreaterThanOrEqual(-lookAheadMs);
          }
        },
      ),
    );
  });
});
