// What becomes of a schedule when the rules of its zone change between two passes of the planner, as a new version of
// the runtime brings them? The zone before and the zone after are two real ones here: the planner knows no more of a zone
// than what it answers. What was planned, and the one due time that was computed ahead, stay; all later ones are new.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueTimes, nextDueAt, type ScheduleSpec } from './due-times.js';
import { planSchedule } from './planning.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const LOOK_AHEAD_MS = 2 * MINUTE_MS;
const PASS_MS = 5 * MINUTE_MS;
const DAYS = 4;

interface Play {
  expression: string;
  zones: { before: string; after: string };
  startMs: number;
  /** From this instant on the planner knows the new rules. */
  changeMs: number;
}

/** The due times in the order in which they were decided, and the one that was stored when the rules changed. */
function play({ expression, zones, startMs, changeMs }: Play): { decided: Date[]; stored: Date | null } {
  const decided: Date[] = [];
  const specIn = (timeZone: string): ScheduleSpec => ({ kind: 'cron', expression, timeZone });
  let next = nextDueAt(specIn(zones.before), new Date(startMs));
  let stored: Date | null = null;
  for (let nowMs = startMs; nowMs <= startMs + DAYS * DAY_MS && next !== null; nowMs += PASS_MS) {
    const isNew = nowMs >= changeMs;
    if (isNew) stored ??= next;
    const plan = planSchedule({
      spec: specIn(isNew ? zones.after : zones.before),
      state: 'active',
      suspension: null,
      pausedUntil: null,
      nextDueAt: next,
      now: new Date(nowMs),
      lookAheadMs: LOOK_AHEAD_MS,
      catchUp: { mode: 'latest', withinSeconds: 86_400 },
      graceMs: 2 * PASS_MS,
      limit: 500,
    });
    expect(plan.gap).toBeNull();
    decided.push(...plan.fires.map(({ dueAt }) => dueAt));
    next = plan.nextDueAt;
  }
  return { decided, stored };
}

const zones = fc.constantFrom(
  'Etc/GMT-1',
  'Etc/GMT-2',
  'Europe/Berlin',
  'America/Winnipeg',
  'America/Regina',
  'Asia/Tokyo',
  'Australia/Lord_Howe',
);
const plays: fc.Arbitrary<Play> = fc
  .record({
    expression: fc.constantFrom('30 2 * * *', '0,30 1,2,3 * * *', '*/20 * * * *', '0 */2 * * *'),
    before: zones,
    after: zones,
    // Days around changes of these zones, and others.
    startMs: fc
      .constantFrom('2026-10-03', '2026-10-23', '2026-10-31', '2027-03-12', '2027-03-26', '2027-06-01')
      .map((day) => Date.parse(day)),
    awayMs: fc.integer({ min: 0, max: (DAYS - 1) * DAY_MS }),
  })
  .map(({ expression, before, after, startMs, awayMs }) => ({
    expression,
    zones: { before, after },
    startMs,
    changeMs: startMs + awayMs,
  }));

describe('when the rules of a zone change', () => {
  it('no due time is decided twice, and none of the new ones is left out after the one that was stored', () => {
    fc.assert(
      fc.property(plays, (played) => {
        const { expression, startMs, zones: rules } = played;
        const { decided, stored } = play(played);
        const spec = (timeZone: string): ScheduleSpec => ({ kind: 'cron', expression, timeZone });
        const through = decided.at(-1) ?? new Date(startMs);
        const turn = stored ?? through;
        const limit = 10_000;
        const start = new Date(startMs);
        expect(decided).toEqual([
          ...dueTimes(spec(rules.before), { after: start, through: turn, limit }),
          ...dueTimes(spec(rules.after), { after: turn, through, limit }),
        ]);
        const instants = decided.map((dueAt) => dueAt.getTime());
        expect([...new Set(instants)].toSorted((a, b) => a - b)).toEqual(instants);
        expect(through.getTime()).toBeGreaterThan(startMs + (DAYS - 1.5) * DAY_MS);
      }),
      { numRuns: 100 },
    );
  });

  it('one due time is that of the old rules: the new ones may have it earlier, or once more, later on that day', () => {
    const startMs = Date.parse('2026-06-01T12:00Z');
    const daily = { expression: '30 2 * * *', startMs, changeMs: startMs + 60 * MINUTE_MS };
    const dueIn = (rules: Play['zones']) =>
      play({ ...daily, zones: rules })
        .decided.slice(0, 3)
        .map((dueAt) => dueAt.toISOString().slice(8, 16));
    expect(dueIn({ before: 'Etc/GMT-1', after: 'Etc/GMT-2' })).toEqual(['02T01:30', '03T00:30', '04T00:30']);
    expect(dueIn({ before: 'Etc/GMT-2', after: 'Etc/GMT-1' })).toEqual(['02T00:30', '02T01:30', '03T01:30']);
  });
});
