// Is each part of an RRULE read, and what is refused named?
import { describe, expect, it } from 'vitest';
import { plainRrule, readRrule } from './rrule-text.js';

describe('an RRULE', () => {
  it('is read in either case and with the name of its property', () => {
    const plain = plainRrule(' rrule:freq=monthly;byday=2tu,-1FR;interval=3 ');
    expect(plain).toBe('FREQ=MONTHLY;BYDAY=2TU,-1FR;INTERVAL=3');
    expect(readRrule(plain)).toMatchObject({
      ok: true,
      rule: {
        frequency: 'MONTHLY',
        interval: 3,
        weekdays: [
          { day: 2, nth: 2 },
          { day: 5, nth: -1 },
        ],
        months: null,
        weekStart: 1,
      },
    });
  });

  it('has its lists in order, each number once', () => {
    const reading = readRrule('FREQ=DAILY;BYHOUR=9,7,9;BYMONTHDAY=1,-1');
    expect(reading).toMatchObject({ rule: { hours: [7, 9], monthDays: [-1, 1] } });
  });

  it.each<[string, RegExp]>([
    ['', /parts such as/],
    ['INTERVAL=2', /^FREQ to be DAILY/],
    ['FREQ=HOURLY', /everySeconds and cron/],
    ['FREQ=DAILY;COUNT=3', /maxFires/],
    ['FREQ=DAILY;UNTIL=20310101T000000Z', /endAt/],
    ['DTSTART:20310101T000000Z', /startAt/],
    ['FREQ=YEARLY;BYWEEKNO=20', /BYWEEKNO/],
    ['FREQ=DAILY;BYEASTER=0', /one of the names/],
    ['FREQ=DAILY;', /parts such as/],
    ['FREQ=DAILY;FREQ=DAILY', /^FREQ once$/],
    ['FREQ=DAILY;INTERVAL=0', /^INTERVAL of 1 to 1000$/],
    ['FREQ=DAILY;INTERVAL=1e3', /INTERVAL/],
    ['FREQ=DAILY;BYHOUR=24', /^BYHOUR of 0 to 23$/],
    ['FREQ=DAILY;BYHOUR=-1', /BYHOUR/],
    ['FREQ=DAILY;BYSECOND=60', /^BYSECOND of 0 to 59$/],
    ['FREQ=MONTHLY;BYMONTHDAY=0', /or of -31 to -1 from the end$/],
    ['FREQ=WEEKLY;BYMONTHDAY=1', /BYMONTHDAY only with FREQ=DAILY or MONTHLY or YEARLY/],
    ['FREQ=MONTHLY;BYYEARDAY=1', /BYYEARDAY only with FREQ=YEARLY/],
    ['FREQ=WEEKLY;BYDAY=2TU', /numbers in BYDAY only with/],
    ['FREQ=MONTHLY;BYDAY=XX', /^BYDAY of days/],
    ['FREQ=MONTHLY;BYDAY=0MO', /^BYDAY of days/],
    ['FREQ=MONTHLY;BYDAY=54MO', /^BYDAY of days/],
    ['FREQ=MONTHLY;WKST=2', /^WKST/],
    ['FREQ=MONTHLY;BYSETPOS=1', /another part beside BYSETPOS/],
  ])('is refused: %s', (text, expected) => {
    expect(readRrule(text)).toMatchObject({
      ok: false,
      expected: expect.stringMatching(expected) as unknown,
    });
  });
});
