// Do schedules of every kind come due when a person reading them would expect, and is what can never come due
// refused? Clock changes have tables of their own in clock-changes.spec.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueTimes, nextDueAt, validateSpec, type ScheduleSpec } from './due-times.js';

const cron = (expression: string, timeZone: string): ScheduleSpec => ({ kind: 'cron', expression, timeZone });
const between = (spec: ScheduleSpec, after: string, through: string): string[] =>
  dueTimes(spec, { after: new Date(after), through: new Date(through), limit: 100 }).map((at) =>
    at.toISOString().replace(':00.000Z', 'Z'),
  );

describe('a day', () => {
  it.each([
    ['0 0 L 2 *', ['2026-02-28T00:00Z', '2027-02-28T00:00Z', '2028-02-29T00:00Z']],
    ['0 0 1W 8 *', ['2026-08-03T00:00Z', '2027-08-02T00:00Z', '2028-08-01T00:00Z']],
    ['0 0 LW 5 *', ['2026-05-29T00:00Z', '2027-05-31T00:00Z', '2028-05-31T00:00Z']],
    ['0 0 * 5 FRIL', ['2026-05-29T00:00Z', '2027-05-28T00:00Z', '2028-05-26T00:00Z']],
    ['0 0 * 5 MON#5', ['2027-05-31T00:00Z', '2028-05-29T00:00Z', '2032-05-31T00:00Z']],
    ['0 0 29 2 *', ['2028-02-29T00:00Z', '2032-02-29T00:00Z', '2036-02-29T00:00Z']],
    ['@yearly', ['2027-01-01T00:00Z', '2028-01-01T00:00Z', '2029-01-01T00:00Z']],
    ['0 0 13 * FRI', ['2026-01-02T00:00Z', '2026-01-09T00:00Z', '2026-01-13T00:00Z']],
    ['0 0 */2 * FRI', ['2026-01-09T00:00Z', '2026-01-23T00:00Z', '2026-02-13T00:00Z']],
  ])('of %s is found', (expression, due) => {
    expect(between(cron(expression, 'UTC'), '2026-01-01T00:00Z', '2040-01-01T00:00Z').slice(0, 3)).toEqual(
      due,
    );
  });
});

describe('a schedule with bounds', () => {
  const startAt = new Date('2026-03-02T09:00Z');
  const endAt = new Date('2026-03-04T09:00Z');
  const daily = { kind: 'cron', expression: '0 9 * * *', timeZone: 'UTC' } as const;
  const always = (spec: ScheduleSpec) => between(spec, '2026-01-01T00:00Z', '2027-01-01T00:00Z');

  it('is due from the one to the other, both of them included', () => {
    expect(always({ ...daily, startAt, endAt })).toEqual([
      '2026-03-02T09:00Z',
      '2026-03-03T09:00Z',
      '2026-03-04T09:00Z',
    ]);
    expect(always({ ...daily, endAt }).at(-1)).toBe('2026-03-04T09:00Z');
    const justAfter = new Date(startAt.getTime() + 1);
    expect(always({ ...daily, startAt: justAfter })[0]).toBe('2026-03-03T09:00Z');
  });

  it('of an interval begins at the first', () => {
    const spec: ScheduleSpec = { kind: 'every', seconds: 86_400, anchorAt: startAt, startAt, endAt };
    expect(always(spec)).toEqual(['2026-03-02T09:00Z', '2026-03-03T09:00Z', '2026-03-04T09:00Z']);
  });

  it('has just those due times of the same one without bounds that lie between', () => {
    const near = fc.date({ min: new Date('2026-01-01'), max: new Date('2026-06-01'), noInvalidDate: true });
    fc.assert(
      fc.property(near, near, fc.constantFrom('0 9 * * *', '*/50 * * * *'), (from, to, expression) => {
        const spec: ScheduleSpec = { ...daily, expression };
        const span = { after: new Date('2025-12-01'), through: new Date('2026-07-01'), limit: 10_000 };
        const inside = dueTimes(spec, span).filter((at) => at >= from && at <= to);
        expect(dueTimes({ ...spec, startAt: from, endAt: to }, span)).toEqual(inside);
      }),
      { numRuns: 50 },
    );
  });

  it('is refused when they are no instants, or in the wrong order', () => {
    expect(validateSpec({ ...daily, startAt: endAt, endAt: startAt })).toMatchObject({
      ok: false,
      field: 'endAt',
      expected: 'an instant not before startAt (2026-03-04T09:00:00.000Z)',
    });
    expect(validateSpec({ ...daily, startAt: new Date(Number.NaN) })).toMatchObject({ field: 'startAt' });
    expect(validateSpec({ ...daily, startAt, endAt: startAt })).toEqual({ ok: true });
  });
});

describe('any schedule', () => {
  const instants = fc.date({ min: new Date('1990-01-01'), max: new Date('2080-01-01'), noInvalidDate: true });
  const specs: fc.Arbitrary<ScheduleSpec> = fc.oneof(
    fc.record({
      kind: fc.constant('cron' as const),
      expression: fc.constantFrom(
        '*/20 * * * * *',
        '*/7 1-3 * * *',
        '30 2 * * *',
        '0,30 2,3,14 * * *',
        '0 0 * * MON',
        '*/13 */2 L * FRI#2',
        '@hourly',
      ),
      timeZone: fc.constantFrom(
        'Europe/Berlin',
        'America/New_York',
        'Australia/Lord_Howe',
        'Africa/Cairo',
        'Pacific/Apia',
      ),
    }),
    fc.record({
      kind: fc.constant('every' as const),
      seconds: fc.integer({ min: 1, max: 1_000_000 }),
      anchorAt: instants,
    }),
    fc.record({ kind: fc.constant('at' as const), at: instants }),
  );

  it('has the same due times in a span as in its parts', () => {
    fc.assert(
      fc.property(
        specs,
        instants,
        fc.nat(7 * 86_400_000),
        fc.nat(7 * 86_400_000),
        (spec, a, first, second) => {
          const [b, c] = [new Date(a.getTime() + first), new Date(a.getTime() + first + second)];
          const limit = 200;
          const whole = dueTimes(spec, { after: a, through: c, limit });
          const parts = [
            ...dueTimes(spec, { after: a, through: b, limit }),
            ...dueTimes(spec, { after: b, through: c, limit }),
          ];
          // A part that reached the limit ends before its span does.
          if (whole.length < limit) expect(parts).toEqual(whole);
          else expect(whole).toHaveLength(limit);
        },
      ),
    );
  });

  it('is never due at or before the instant that was asked about', () => {
    fc.assert(
      fc.property(specs, instants, (spec, after) => {
        const due = nextDueAt(spec, after);
        expect(due === null || due > after).toBe(true);
      }),
    );
  });
});

describe('a schedule that repeats every so many seconds', () => {
  it('is due at its anchor and whole steps after it, whenever it is asked', () => {
    const spec: ScheduleSpec = { kind: 'every', seconds: 90, anchorAt: new Date('2026-01-01T00:00:10Z') };
    expect(nextDueAt(spec, new Date('2025-06-01T00:00:00Z'))).toEqual(spec.anchorAt);
    expect(nextDueAt(spec, new Date('2026-01-01T00:00:10Z'))).toEqual(new Date('2026-01-01T00:01:40Z'));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000_000 }),
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }),
        (seconds, after) => {
          const due = nextDueAt({ ...spec, seconds }, after)?.getTime() ?? Number.NaN;
          expect((due - spec.anchorAt.getTime()) % (seconds * 1000)).toBe(0);
          expect(due - seconds * 1000 <= after.getTime() || due === spec.anchorAt.getTime()).toBe(true);
        },
      ),
    );
  });

  it('ends with the calendar', () => {
    expect(
      nextDueAt({ kind: 'every', seconds: 86_400, anchorAt: new Date(0) }, new Date(8.64e15)),
    ).toBeNull();
  });
});

describe('a schedule for one instant', () => {
  it('is due then and never again', () => {
    const at = new Date('2026-05-01T12:00:00.250Z');
    expect(nextDueAt({ kind: 'at', at }, new Date('2026-05-01T12:00:00.249Z'))).toEqual(at);
    expect(nextDueAt({ kind: 'at', at }, at)).toBeNull();
  });
});

describe('validateSpec', () => {
  it.each<ScheduleSpec>([
    cron('0 0 29 2 *', 'Europe/Berlin'),
    cron('0 0 * 2 MON#5', 'UTC'),
    cron('*/30 2 * * *', 'Europe/Berlin'),
    cron('* * 2 * 3 SUNL', 'Europe/Berlin'),
    cron('*/30 2-2 * * *', 'Europe/Berlin'),
    cron('*/10 2-2 28 3 *', 'Europe/Berlin'),
    { kind: 'every', seconds: 1, anchorAt: new Date(0) },
    { kind: 'at', at: new Date(0) },
  ])('accepts %j', (spec) => expect(validateSpec(spec)).toEqual({ ok: true }));

  it.each<[ScheduleSpec, string, string]>([
    [cron('61 * * * *', 'UTC'), 'expression', '"61"'],
    [cron('0 0 30 2 *', 'UTC'), 'expression', '"0 0 30 2 *"'],
    [cron('0 0 31W 4,6,9,11 *', 'UTC'), 'expression', '"0 0 31W 4,6,9,11 *"'],
    [cron('* * 2 */12 *', 'Europe/Nowhere'), 'timeZone', '"Europe/Nowhere"'],
    [cron('0 0 * * *', '+02:00'), 'timeZone', '"+02:00"'],
    [cron('0 0 * * *', ''), 'timeZone', '""'],
    [{ kind: 'every', seconds: 0, anchorAt: new Date(0) }, 'seconds', '0'],
    [{ kind: 'every', seconds: 1.5, anchorAt: new Date(0) }, 'seconds', '1.5'],
    [{ kind: 'every', seconds: 60, anchorAt: new Date(Number.NaN) }, 'anchorAt', 'Invalid Date'],
    [{ kind: 'at', at: new Date(Number.NaN) }, 'at', 'Invalid Date'],
  ])('refuses %j and names what is wrong', (spec, field, got) => {
    expect(validateSpec(spec)).toMatchObject({ ok: false, field, got });
  });

  it('refuses, without a long search, a rhythm that would lie in the gap every year', () => {
    const startedAtMs = performance.now();
    expect(validateSpec(cron('* * 2-2 * 3 SUNL', 'Europe/Berlin'))).toMatchObject({
      ok: false,
      expected: 'an expression that is due at least once',
    });
    // A few milliseconds; a search through the years would take minutes.
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
  });

  it('leaves nothing to find out later: what it refuses, asking for the next due time throws or answers null', () => {
    expect(() => nextDueAt(cron('a b c', 'UTC'), new Date(0))).toThrow('5 fields');
    expect(() => nextDueAt(cron('@daily', 'Nowhere'), new Date(0))).toThrow(RangeError);
    expect(nextDueAt(cron('0 0 30 2 *', 'UTC'), new Date(0))).toBeNull();
  });
});
