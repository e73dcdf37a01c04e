// Which due times of an outage run after all? Each policy is compared with what it says, taken from the list of all due
// times, however long the outage was.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catchUpOn, type CatchUp, type CatchUpInput } from './catch-up.js';
import { dueTimes, type ScheduleSpec } from './due-times.js';

const now = new Date('2026-11-21T08:00:00.000Z');
const MINUTE_MS = 60_000;
const plus = (ms: number): Date => new Date(now.getTime() + ms);
const minutes = (...ago: number[]) => ago.map((minute) => plus(-minute * MINUTE_MS));
const LATEST: CatchUp = { mode: 'latest', withinSeconds: 600 };
const ALL: CatchUp = { mode: 'all', withinSeconds: 600, max: 100 };

/** Each minute on the minute; nothing was planned for half an hour, and nothing is due just now. */
const caughtUp = (wish: Partial<CatchUpInput> = {}) =>
  catchUpOn({
    spec: { kind: 'every', seconds: 60, anchorAt: plus(-90 * MINUTE_MS) },
    catchUp: LATEST,
    now,
    from: plus(-30 * MINUTE_MS),
    to: now,
    isLaterDue: false,
    heldUntil: null,
    ...wish,
  });

describe('with mode latest', () => {
  it('the newest due time runs, and stands for the others', () => {
    expect(caughtUp()).toEqual({
      dueTimes: minutes(1),
      rest: { outcome: 'coalesced', reason: 'outage' },
    });
  });

  it('none runs where a later one runs anyway', () => {
    expect(caughtUp({ isLaterDue: true })).toEqual({
      dueTimes: [],
      rest: { outcome: 'coalesced', reason: 'outage' },
    });
  });

  it('none runs that is too old', () => {
    const at = plus(-11 * MINUTE_MS);
    const missed = { dueTimes: [], rest: { outcome: 'missed', reason: 'catch-up window' } };
    expect(caughtUp({ spec: { kind: 'at', at }, from: at })).toEqual(missed);
    const inTime = plus(-10 * MINUTE_MS);
    expect(caughtUp({ spec: { kind: 'at', at: inTime }, from: inTime }).dueTimes).toEqual([inTime]);
  });

  it('none runs from before the end of a suspension', () => {
    expect(caughtUp({ heldUntil: plus(-30_000) }).dueTimes).toEqual([]);
    expect(caughtUp({ heldUntil: plus(-MINUTE_MS) }).dueTimes).toEqual(minutes(1));
  });
});

describe('with mode all', () => {
  it('each due time runs that is not too old, also beside a later one', () => {
    const expected = { dueTimes: minutes(10, 9, 8, 7, 6, 5, 4, 3, 2, 1), reason: 'catch-up window' };
    for (const isLaterDue of [false, true]) {
      const { dueTimes: found, rest } = caughtUp({ catchUp: ALL, isLaterDue });
      expect({ dueTimes: found, reason: rest.reason }).toEqual(expected);
    }
  });

  it('the reason tells which bound left out the rest, also where just as many are young enough as may run', () => {
    expect(caughtUp({ catchUp: { ...ALL, max: 10 } })).toMatchObject({
      dueTimes: { length: 10 },
      rest: { outcome: 'missed', reason: 'catch-up window' },
    });
  });

  it('no more run than the policy allows, and those are the newest', () => {
    expect(caughtUp({ catchUp: { ...ALL, max: 3 } })).toEqual({
      dueTimes: minutes(3, 2, 1),
      rest: { outcome: 'missed', reason: 'catch-up limit' },
    });
  });
});

it('with mode none nothing runs', () => {
  expect(caughtUp({ catchUp: { mode: 'none' } })).toEqual({
    dueTimes: [],
    rest: { outcome: 'missed', reason: 'no catch-up' },
  });
});

const specs: fc.Arbitrary<ScheduleSpec> = fc.oneof(
  fc.record({
    kind: fc.constant('cron' as const),
    expression: fc.constantFrom('* * * * *', '0 * * * *', '*/20 0-12 7 * * *', '* * 6 * * *', '30 2 * * *'),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'),
  }),
  fc.record({
    kind: fc.constant('every' as const),
    seconds: fc.integer({ min: 1, max: 20_000 }),
    anchorAt: fc.integer({ min: -40_000_000, max: 0 }).map(plus),
  }),
);

it('any policy chooses what it says from the list of all due times, however dense they are', () => {
  const withinSeconds = fc.integer({ min: 1, max: 30_000 });
  const max = fc.integer({ min: 1, max: 100 });
  const policies = fc.oneof(
    fc.record({ mode: fc.constant('latest' as const), withinSeconds }),
    fc.record({ mode: fc.constant('all' as const), withinSeconds, max }),
  );
  fc.assert(
    fc.property(specs, policies, fc.nat(30_000_000), fc.nat(20_000), (spec, catchUp, longMs, graceMs) => {
      const [from, to] = [plus(-longMs - graceMs), plus(-graceMs)];
      const all = dueTimes(spec, {
        after: plus(-longMs - graceMs - 1),
        through: plus(-graceMs - 1),
        limit: 100_000,
      });
      const young = all.filter((dueAt) => +now - +dueAt <= catchUp.withinSeconds * 1_000);
      const made = catchUpOn({ spec, catchUp, now, from, to, isLaterDue: false, heldUntil: null });
      expect(made.dueTimes).toEqual(young.slice(catchUp.mode === 'latest' ? -1 : -catchUp.max));
    }),
  );
});
