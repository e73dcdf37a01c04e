// Does a specification come back from the table as the one that was stored?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZodError } from 'zod';
import { validateSpec, type Rule, type ScheduleSpec } from './decisions/due-times.js';
import { parseSpec, writeSpec } from './stored-spec.js';

const throughTable = (spec: ScheduleSpec): ScheduleSpec =>
  parseSpec(JSON.parse(JSON.stringify(writeSpec(spec))));

/** The years that RFC 3339 can write with four digits. */
const instants = fc.date({
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});
const rules: fc.Arbitrary<Rule> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('cron' as const),
      expression: fc.constantFrom('0 9 * * 1-5', '@daily', '*/15 * * * * *', '0 0 L * *'),
      timeZone: fc.constantFrom('UTC', 'Europe/Berlin'),
      clockChanges: fc.record({
        gap: fc.constantFrom('after', 'skip'),
        repeat: fc.constantFrom('first', 'both'),
      }),
    },
    { requiredKeys: ['kind', 'expression', 'timeZone'] },
  ),
  fc.record({
    kind: fc.constant('every' as const),
    seconds: fc.integer({ min: 1, max: 31_536_000 }),
    anchorAt: instants,
  }),
  fc.record({
    kind: fc.constant('rrule' as const),
    rule: fc.constantFrom('FREQ=DAILY', 'FREQ=MONTHLY;BYDAY=2TU'),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin'),
    anchorAt: instants,
  }),
);
const listed: fc.Arbitrary<Rule & ScheduleSpec> = fc.oneof(
  fc.record({ kind: fc.constant('at' as const), at: instants }),
  fc.record({ kind: fc.constant('instants' as const), instants: fc.array(instants, { minLength: 1 }) }),
);
const several = fc.record({
  kind: fc.constant('anyOf' as const),
  specs: fc.array(fc.oneof(rules, listed), { minLength: 1 }),
});
const counted = fc.record({
  maxFires: fc.integer({ min: 1, max: 10_000 }),
  after: instants,
  lastAt: fc.option(instants),
});
const days = fc.record({
  names: fc.constantFrom(['holidays'], ['holidays', 'strikes']),
  revisions: fc.constant([1, 2]),
  days: fc.constantFrom('', '2026-12-25', '2026-12-28/2027-01-03,--12-25'),
});
const calendars = fc.record({ exclude: days, include: days }, { requiredKeys: [] });
const bounds = fc.record({ startAt: instants, endAt: instants, counted, calendars }, { requiredKeys: [] });
const specs: fc.Arbitrary<ScheduleSpec> = fc.oneof(
  listed,
  fc.tuple(fc.oneof(rules, several), bounds).map(([spec, between]) => ({ ...spec, ...between })),
);

describe('a stored specification', () => {
  it('comes back as it was, with its instants to the millisecond', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        expect(throughTable(spec)).toEqual(spec);
      }),
    );
  });

  it('is written in one shape for every release: ISO instants in UTC', () => {
    expect(writeSpec({ kind: 'at', at: new Date('2026-11-21T09:30:00+01:00') })).toEqual({
      kind: 'at',
      at: '2026-11-21T08:30:00.000Z',
    });
    expect(writeSpec({ kind: 'every', seconds: 60, anchorAt: new Date('2026-11-21T08:30Z') })).toEqual({
      kind: 'every',
      seconds: 60,
      anchorAt: '2026-11-21T08:30:00.000Z',
    });
  });

  it('without a choice about clock changes is what an earlier version can read', () => {
    const spec: ScheduleSpec = { kind: 'cron', expression: '@daily', timeZone: 'UTC' };
    expect(Object.keys(writeSpec(spec)).toSorted()).toEqual(['expression', 'kind', 'timeZone']);
  });

  it.each([
    ['an unknown kind', { kind: 'sunrise', latitude: 52 }],
    ['an instant that is none', { kind: 'at', at: 'tomorrow' }],
    ['a property too many', { kind: 'cron', expression: '@daily', timeZone: 'UTC', jitter: 5 }],
    ['a property too few', { kind: 'cron', expression: '@daily' }],
    ['an interval that leads nowhere', { kind: 'every', seconds: -5, anchorAt: '2026-01-01T00:00:00.000Z' }],
    [
      'an interval of next to nothing',
      { kind: 'every', seconds: 1e-9, anchorAt: '2026-01-01T00:00:00.000Z' },
    ],
    ['nothing', null],
  ])('with %s is refused, not guessed at', (_what, stored) => {
    expect(() => parseSpec(stored)).toThrow(ZodError);
  });

  it('comes back with the last instant that is accepted; a later one has no RFC 3339 form and is refused', () => {
    const last: ScheduleSpec = { kind: 'at', at: new Date('9999-12-31T23:59:59.999Z') };
    expect(validateSpec(last)).toEqual({ ok: true });
    expect(throughTable(last)).toEqual(last);
    expect(validateSpec({ kind: 'at', at: new Date('9999-12-31T23:59:59-01:00') })).toMatchObject({
      ok: false,
      field: 'at',
    });
  });
});
