// Is the last due time the right one for each kind of spec, and does counting leave the event loop to others in time?
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { boundsOf, dueTimes, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import type { Calendars } from '#scheduling/decisions/calendars/open-days.js';
import { Counts } from './counts.js';

const after = new Date('2026-01-01T00:00:30Z');

/** Each look at the clock takes so long. */
function countsWhere(lookMs: number): Counts {
  let nowMs = 0;
  return new Counts({ monotonicMs: () => (nowMs += lookMs), now: () => after });
}
const lastOf = async (
  spec: ScheduleSpec,
  maxFires: number,
  { counts = countsWhere(0), calendars = null }: { counts?: Counts; calendars?: Calendars | null } = {},
) => {
  const made = await counts.countedOut({ spec, count: { maxFires, after } }, calendars);
  return 'counted' in made ? made.counted?.lastAt : made;
};

const minutely = { kind: 'cron', expression: '* * * * *', timeZone: 'UTC' } as const;
const every = { kind: 'every', seconds: 90, anchorAt: new Date('2026-01-01T00:00:00Z') } as const;
const specs: Record<string, ScheduleSpec> = {
  'an expression': minutely,
  'an interval': every,
  'an interval to come': {
    ...every,
    startAt: new Date('2027-01-01T00:00:00Z'),
    anchorAt: new Date('2027-01-01T00:00:00Z'),
  },
  'several specs': { kind: 'anyOf', specs: [minutely, every] },
};

describe('the last due time', () => {
  it.each(Object.entries(specs))('of %s is the last of so many', async (_, spec) => {
    for (const maxFires of [1, 7, 500]) {
      const expected = dueTimes(spec, { after, through: new Date('2030-01-01T00:00:00Z'), limit: maxFires });
      expect(expected).toHaveLength(maxFires);
      expect(await lastOf(spec, maxFires)).toEqual(expected.at(-1));
    }
  });

  it.each(Object.entries(specs))('of %s that ends before is none', async (_, spec) => {
    const { startAt = after } = boundsOf(spec);
    const endAt = new Date(startAt.getTime() + 300_000);
    expect(await lastOf({ ...spec, endAt } as ScheduleSpec, 100)).toBeNull();
  });

  it.each(Object.entries(specs))('of %s counts only days that its calendars leave', async (_, spec) => {
    const exclude = { names: ['a'], revisions: [1], days: '2026-01-01/2026-01-02,2027-01-01' };
    const calendars = { exclude };
    const expected = dueTimes({ ...spec, calendars } as ScheduleSpec, {
      after,
      through: new Date('2030-01-01T00:00:00Z'),
      limit: 500,
    });
    expect(await lastOf(spec, 500, { calendars })).toEqual(expected.at(-1));
  });

  it('is counted in slices, between which others act', async () => {
    let isOver = false;
    const counting = lastOf(minutely, 100, { counts: countsWhere(1) }).finally(() => (isOver = true));
    await nextTurn();
    await nextTurn();
    expect(isOver).toBe(false);
    expect(await counting).toEqual(new Date('2026-01-01T01:40:00Z'));
  });

  it('that takes too long to count is refused, with a number that does not', async () => {
    expect(await lastOf(minutely, 10_000, { counts: countsWhere(5) })).toMatchObject({
      ok: false,
      field: 'maxFires',
      expected: expect.stringMatching(/counted out in 2 s, such as \d+$/) as unknown,
      got: '10000',
    });
  });

  it('is not looked for in a spec that is wrong', async () => {
    expect(await lastOf({ ...minutely, expression: '61 * * * *' }, 5)).toMatchObject({ field: 'expression' });
  });
});
