// Is an RRULE due when RFC 5545 says, from wherever it is asked, and is none walked through for long? The expected days
// are those that the RFC prints in its section 3.8.5.3, for a beginning on 1997-09-02 at 9:00 in New York.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueTimes, newestDueTimes, nextDueAt, validateSpec, type ScheduleSpec } from '../due-times.js';
import { offsetMs } from '../wall-clock.js';
import { rruleTimes } from './rrule-times.js';

const NEW_YORK = 'America/New_York';
const begin = new Date('1997-09-02T13:00:00Z');
const rrule = (rule: string, anchorAt = begin, timeZone = NEW_YORK): ScheduleSpec => ({
  kind: 'rrule',
  rule,
  timeZone,
  anchorAt,
});
/** Another one is due long before. */
const beside = (rule: string): ScheduleSpec => ({
  kind: 'anyOf',
  specs: [
    { kind: 'rrule', rule, timeZone: NEW_YORK, anchorAt: begin },
    { kind: 'at', at: new Date(0) },
  ],
});
const far = new Date('2999-01-01T00:00:00Z');
const times = (spec: ScheduleSpec, limit: number, after = new Date(0)): Date[] =>
  dueTimes(spec, { after, through: far, limit });
const local = (instant: Date, zone = NEW_YORK): string =>
  new Date(instant.getTime() + offsetMs(zone, instant.getTime())).toISOString().slice(0, 16);

describe('a rule of RFC 5545', () => {
  it.each<[string, string[]]>([
    ['FREQ=DAILY;INTERVAL=10', ['09-02', '09-12', '09-22', '10-02', '10-12']],
    [
      'FREQ=WEEKLY',
      ['09-02', '09-09', '09-16', '09-23', '09-30', '10-07', '10-14', '10-21', '10-28', '11-04'],
    ],
    ['FREQ=WEEKLY;INTERVAL=2;WKST=SU', ['09-02', '09-16', '09-30', '10-14', '10-28', '11-11']],
    [
      'FREQ=WEEKLY;WKST=SU;BYDAY=TU,TH',
      ['09-02', '09-04', '09-09', '09-11', '09-16', '09-18', '09-23', '09-25'],
    ],
    ['FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE,FR', ['09-03', '09-05', '09-15', '09-17', '09-19', '09-29']],
    [
      'FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,TH',
      ['09-02', '09-04', '09-16', '09-18', '09-30', '10-02', '10-14'],
    ],
    ['FREQ=MONTHLY;BYDAY=1FR', ['09-05', '10-03', '11-07', '12-05']],
    ['FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU', ['09-07', '09-28', '11-02', '11-30']],
    ['FREQ=MONTHLY;BYDAY=-2MO', ['09-22', '10-20', '11-17', '12-22']],
    ['FREQ=MONTHLY;BYMONTHDAY=-3', ['09-28', '10-29', '11-28', '12-29']],
    [
      'FREQ=MONTHLY;BYMONTHDAY=2,15',
      ['09-02', '09-15', '10-02', '10-15', '11-02', '11-15', '12-02', '12-15'],
    ],
    ['FREQ=MONTHLY;BYMONTHDAY=1,-1', ['09-30', '10-01', '10-31', '11-01', '11-30', '12-01', '12-31']],
    [
      'FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11,12,13,14,15',
      ['09-10', '09-11', '09-12', '09-13', '09-14', '09-15'],
    ],
    [
      'FREQ=MONTHLY;INTERVAL=2;BYDAY=TU',
      ['09-02', '09-09', '09-16', '09-23', '09-30', '11-04', '11-11', '11-18'],
    ],
    [
      'FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13',
      ['1998-02-13', '1998-03-13', '1998-11-13', '1999-08-13', '2000-10-13'],
    ],
    [
      'FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13',
      ['09-13', '10-11', '11-08', '12-13', '1998-01-10'],
    ],
    ['FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3', ['09-04', '10-07', '11-06']],
    ['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2', ['09-29', '10-30', '11-27', '12-30', '1998-01-29']],
    [
      'FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8',
      ['11-04', '2001-11-06', '2005-11-08'],
    ],
    ['FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200', ['2000-01-01', '2000-04-09', '2000-07-18', '2003-01-01']],
    ['FREQ=YEARLY;BYDAY=20MO', ['1998-05-18', '1999-05-17', '2000-05-15']],
    [
      'FREQ=YEARLY;BYMONTH=3;BYDAY=TH',
      ['1998-03-05', '1998-03-12', '1998-03-19', '1998-03-26', '1999-03-04'],
    ],
    ['FREQ=YEARLY;INTERVAL=2;BYMONTH=9,11', ['09-02', '11-02', '1999-09-02', '1999-11-02']],
    [
      'FREQ=YEARLY;BYDAY=-1SU,MO;BYMONTH=12',
      ['12-01', '12-08', '12-15', '12-22', '12-28', '12-29', '1998-12-07'],
    ],
    ['FREQ=YEARLY', ['09-02', '1998-09-02']],
    ['FREQ=DAILY;BYMONTH=1;BYMONTHDAY=-1,1', ['1998-01-01', '1998-01-31', '1999-01-01']],
    ['FREQ=YEARLY;BYYEARDAY=-1,366', ['12-31', '1998-12-31', '1999-12-31', '2000-12-31']],
  ])('%s is due on its days', (rule, days) => {
    expect(times(rrule(rule), days.length).map((dueAt) => local(dueAt))).toEqual(
      days.map((day) => `${day.length === 5 ? `1997-${day}` : day}T09:00`),
    );
  });

  it('has the times of day that it names, and the places that it chooses among them', () => {
    const hours = times(rrule('FREQ=DAILY;BYHOUR=9,16;BYMINUTE=0,40'), 5);
    expect(hours.map((dueAt) => local(dueAt).slice(5))).toEqual([
      '09-02T09:00',
      '09-02T09:40',
      '09-02T16:00',
      '09-02T16:40',
      '09-03T09:00',
    ]);
    const chosen = times(rrule('FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=6,20;BYSETPOS=-1,1'), 3);
    expect(chosen.map((dueAt) => local(dueAt).slice(5))).toEqual([
      '09-02T20:00',
      '09-08T06:00',
      '09-09T20:00',
    ]);
  });

  it('is due once for each day at a clock change, and follows the wall clock', () => {
    const berlin = (rule: string, from: string) =>
      times(rrule(rule, new Date('2026-01-01T00:00:00Z'), 'Europe/Berlin'), 3, new Date(from)).map((dueAt) =>
        dueAt.toISOString(),
      );
    const halfPastTwo = 'FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0';
    expect(berlin(halfPastTwo, '2027-03-27T12:00:00Z')).toEqual([
      '2027-03-28T01:00:00.000Z',
      '2027-03-29T00:30:00.000Z',
      '2027-03-30T00:30:00.000Z',
    ]);
    expect(berlin(halfPastTwo, '2026-10-24T12:00:00Z')).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
      '2026-10-27T01:30:00.000Z',
    ]);
  });
});

const rules = fc.constantFrom(
  'FREQ=DAILY;INTERVAL=3;BYHOUR=2,14;BYMINUTE=30',
  'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU',
  'FREQ=MONTHLY;BYMONTHDAY=-1,31',
  'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO',
  'FREQ=MONTHLY;BYDAY=SA,SU;BYHOUR=2;BYSETPOS=1,-1',
);

describe('a rule', () => {
  it('has the same due times in a span as in its parts, also far from its beginning', () => {
    const instants = fc.date({ min: begin, max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true });
    fc.assert(
      fc.property(rules, instants, fc.integer({ min: 0, max: 400 }), (rule, after, days) => {
        const spec = rrule(rule);
        const [cut, end] = [days, 400].map((day) => new Date(after.getTime() + day * 86_400_000));
        const span = { after, through: end ?? after, limit: 1_000 };
        const all = dueTimes(spec, span);
        const parts = [
          ...dueTimes(spec, { ...span, through: cut ?? after }),
          ...dueTimes(spec, { ...span, after: cut ?? after }),
        ];
        expect(parts).toEqual(all);
        const newest = newestDueTimes(spec, {
          notBefore: new Date(after.getTime() + 1),
          before: new Date((end ?? after).getTime() + 1),
          limit: 3,
        });
        expect(newest).toEqual(all.slice(-3));
      }),
    );
  });

  it('is not due before its beginning, and at it if the rule names it', () => {
    expect(nextDueAt(rrule('FREQ=DAILY'), new Date(0))).toEqual(begin);
    expect(nextDueAt(rrule('FREQ=DAILY;BYHOUR=8'), new Date(0))).toEqual(new Date('1997-09-03T12:00:00Z'));
  });

  it.each([
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=DAILY;INTERVAL=7;BYDAY=MO',
    'FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300',
    'FREQ=YEARLY;BYDAY=MO,TU;BYSETPOS=300',
    'FREQ=DAILY;BYHOUR=0,1,2,3,4,5;BYSETPOS=366',
  ])('that is never due is refused, without a long search: %s', (rule) => {
    const startedAtMs = performance.now();
    expect(validateSpec(rrule(rule))).toMatchObject({ ok: false, field: 'rrule' });
    // Some 10 ms; through all years it would take seconds.
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  });

  it.each([
    ['FREQ=YEARLY;INTERVAL=3;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO', '2044-02-29'],
    ['FREQ=YEARLY;BYYEARDAY=366;BYDAY=SU', '2028-12-31'],
  ])('that is rare is found: %s', (rule, day) => {
    const spec = rrule(rule, new Date('2026-01-01T00:00:00Z'), 'UTC');
    expect(validateSpec(spec)).toEqual({ ok: true });
    expect(nextDueAt(spec, new Date('2026-02-01T00:00:00Z'))?.toISOString().slice(0, 10)).toBe(day);
  });

  it('is due at the same instants in any order of questions, although one of several specs keeps its last answer', () => {
    const rules = [
      'FREQ=DAILY',
      'FREQ=WEEKLY;BYDAY=MO,FR',
      'FREQ=YEARLY;BYDAY=53MO',
      'FREQ=MONTHLY;BYMONTHDAY=31',
    ];
    const days = fc.array(fc.integer({ min: -400, max: 12_000 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(fc.constantFrom(...rules), days, (rule, asked) => {
        const answers = (text: string, order: readonly number[]): Map<number, Date | null> =>
          new Map(
            order.map((day) => [day, nextDueAt(beside(text), new Date(begin.getTime() + day * 86_400_000))]),
          );
        const inOrder = answers(
          `${rule};INTERVAL=1`,
          asked.toSorted((a, b) => a - b),
        );
        for (const [day, dueAt] of answers(rule, asked)) expect(inOrder.get(day)).toEqual(dueAt);
      }),
    );
  });

  it('is looked through once for each day of the week that it names', () => {
    const again = `FREQ=YEARLY;BYDAY=${Array.from({ length: 80 }, (_, index) => (index % 2 === 0 ? '53MO' : '53TU')).join(',')}`;
    expect(rruleTimes(again, begin.getTime()).rule.weekdays).toEqual([
      { day: 1, nth: 53 },
      { day: 2, nth: 53 },
    ]);
  });
});
