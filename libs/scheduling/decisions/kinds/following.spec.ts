// What of a schedule that follows runs can be said by its spec, and by what is known of its due times?
import { describe, expect, it } from 'vitest';
import { parseSpec, writeSpec } from '#scheduling/stored-spec.js';
import { DEFAULT_CATCH_UP } from '../catch-up.js';
import { nextDueAt, validateSpec, type ScheduleSpec } from '../due-times.js';
import { planSchedule } from '../planning.js';
import { firstOfChain, plannedBy } from './following.js';

const now = new Date('2031-01-01T00:00:00Z');
const later = (seconds: number): Date => new Date(now.getTime() + seconds * 1_000);
const delay = { kind: 'delay', seconds: 60 } as const;
const follow = { kind: 'follow', schedule: 'other', seconds: 0 } as const;

describe('a spec whose due times follow from runs', () => {
  it.each<ScheduleSpec>([{ ...delay, startAt: later(60) }, follow, { ...follow, endAt: later(60) }])(
    'is written down and read again: %j',
    (spec) => {
      expect(parseSpec(JSON.parse(JSON.stringify(writeSpec(spec))))).toEqual(spec);
      expect(validateSpec(spec)).toEqual({ ok: true });
      expect(nextDueAt(spec, now)).toBeNull();
    },
  );

  it('takes a delay of a second to a year, and none only after another schedule', () => {
    for (const spec of [
      { ...delay, seconds: 0 },
      { ...delay, seconds: 31_536_001 },
      { ...follow, seconds: -1 },
    ])
      expect(validateSpec(spec)).toMatchObject({ ok: false, field: 'delaySeconds' });
  });

  it('is due first when it was made, or begins', () => {
    expect(firstOfChain(delay, now)).toEqual(later(0.001));
    expect(firstOfChain({ ...delay, startAt: later(60) }, now)).toEqual(later(60));
    expect(firstOfChain({ ...delay, endAt: later(-60) }, now)).toBeNull();
    expect(firstOfChain(follow, now)).toBeNull();
  });

  it('is planned by the due times that are known', () => {
    const known = { nextDueAt: now, later: [later(-5), later(2), later(1)] };
    expect(plannedBy(follow, known)).toEqual({ kind: 'instants', instants: [now, later(1), later(2)] });
    const other = { kind: 'at', at: now } as const;
    expect(plannedBy(other, known)).toBe(other);
  });

  it('catches up after an outage as its policy says', () => {
    const plan = planSchedule({
      spec: plannedBy(delay, { nextDueAt: later(-3_600), later: [] }),
      nextDueAt: later(-3_600),
      now,
      lookAheadMs: 10_000,
      graceMs: 10_000,
      limit: 500,
      catchUp: DEFAULT_CATCH_UP,
      state: 'active',
      pausedUntil: null,
      suspension: null,
    });
    expect(plan).toEqual({
      fires: [{ dueAt: later(-3_600), outcome: 'planned', reason: 'catch-up' }],
      gap: null,
      nextDueAt: null,
    });
  });
});
