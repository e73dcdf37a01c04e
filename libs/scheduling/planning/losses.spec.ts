// Is each due time that an outage cost told once, with its schedule, and nothing else?
import { expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { Losses, summaryOf, type DecidedGap } from './losses.js';

const term = asId.term(3);
const at = (hour: number): Date => new Date(hour * 3_600_000);

function decided(wish: {
  id?: string;
  reason?: string;
  outcomes: ('missed' | 'skipped' | 'coalesced')[];
  restFrom?: Date;
}): DecidedGap {
  const { id = '1', reason = 'no catch-up', outcomes, restFrom = null } = wish;
  const gap = {
    id,
    scheduleId: asId.schedule(`schedule-${id}`),
    tenantId: asId.tenant('tenant'),
    storedSpec: null,
    state: 'active' as const,
    pausedUntil: null,
    suspension: null,
    from: at(1),
    to: at(9),
    outcome: 'missed' as const,
    reason,
  };
  const fires = outcomes.map((outcome, hour) => ({ dueAt: at(hour + 1), outcome, reason }));
  return { gap, fires, restFrom };
}

it('is told when its gap is closed, with those that were decided before', () => {
  const losses = new Losses();
  const first = [decided({ outcomes: ['missed', 'skipped'], restFrom: at(3) })];
  expect(losses.closedBy(first, term)).toEqual([]);
  losses.note(first);
  const rest = [decided({ outcomes: ['missed'] })];
  expect(losses.closedBy(rest, term)).toMatchObject([
    { schedule: 'schedule-1', count: 2, from: at(1), to: at(9) },
  ]);
  losses.note(rest);
  expect(losses.closedBy([decided({ outcomes: [] })], term)).toEqual([]);
});

it('is not told where nothing was lost, or a person has changed the schedule', () => {
  const losses = new Losses();
  const gaps = [
    decided({ outcomes: ['skipped'] }),
    decided({ outcomes: ['coalesced'], reason: 'outage' }),
    decided({ outcomes: ['missed'], reason: 'schedule deleted' }),
  ];
  expect(losses.closedBy(gaps, term)).toEqual([]);
});

it('is not told twice after another term', () => {
  const losses = new Losses();
  const first = [decided({ outcomes: ['missed'], restFrom: at(2) })];
  losses.closedBy(first, term);
  losses.note(first);
  const rest = [decided({ outcomes: ['missed'] })];
  expect(losses.closedBy(rest, asId.term(5))).toMatchObject([{ count: 1 }]);
});

it('of many schedules is told together, with those that lost the most', () => {
  const lost = Array.from({ length: 12 }, (_, n) => ({
    schedule: asId.schedule(`s${n}`),
    tenantId: asId.tenant('t'),
    from: at(0),
    to: at(1),
    count: n + 1,
    reason: 'no catch-up',
  }));
  const told = summaryOf(lost);
  expect(told).toMatchObject({ schedules: 12, dueTimes: 78 });
  expect(told['examples']).toHaveLength(10);
  expect(told['examples']).toContainEqual(lost[11]);
});
