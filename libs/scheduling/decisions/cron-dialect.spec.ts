// Is exactly our dialect accepted, and does a refusal say what would have been right?
import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCron } from './cron-dialect.js';
import { dueTimes } from './due-times.js';

/** Its first due times. */
function firstOf(text: string): Date[] {
  const reading = readCron(text);
  if (!reading.ok) throw new Error(`expected ${reading.expected}, got ${reading.got}`);
  const { expression, requiresBothDays } = reading.fields;
  const cron = new Cron(expression, { mode: '6-part', utcOffset: 0, domAndDow: requiresBothDays });
  return cron.nextRuns(100, new Date('2026-01-01T00:00:00Z'));
}

describe('the cron dialect', () => {
  it.each([
    '* * * * *',
    '*/5 * * * * *',
    ' 0  0 * * * ',
    '0 0 * jan-mar,DEC sun-tue',
    '0 0 * * FRI-SUN',
    '0 0 * * 5-7',
    '0,30 8-18/2 1,15 */3 MON-FRI/2',
    '0 0 L * *',
    '0 0 1,L * *',
    '0 0 LW * *',
    '0 0 1W,15w * *',
    '0 0 * * 5L,MON#1,2#5',
    '@yearly',
    '@annually',
    '@monthly',
    '@weekly',
    '@Daily',
    '@midnight',
    '@hourly',
    '@weekdays',
    '5/15 * * * *',
    '30-10 22-2 28-3 NOV-feb SAT-MON',
    '0 0 * January Monday,sundayL,TUESDAY#2',
    '0 0 ? * MON',
    '0 0 1 * ?',
    '0 0 * * 7/2',
    '0 0 * * 5-0',
    '0\u00a00 * * *',
  ])('accepts "%s", and croner does too', (text) => {
    const reading = readCron(text);
    expect(reading).toMatchObject({ ok: true });
    if (reading.ok)
      expect(
        new Cron(reading.fields.expression, { mode: '6-part', utcOffset: 0 }).nextRun(new Date(0)),
      ).not.toBeNull();
  });

  it.each([
    ['', '5 fields', '0 fields'],
    ['* * * *', '5 fields', '4 fields'],
    ['0 0 1 1 * * 2030', 'no year', '7 fields'],
    ['@reboot', 'one of @yearly', '@reboot'],
    ['@every 5x', '"@every" with a duration', '@every 5x'],
    ['@every1h', '"@every" with a duration such as "@every 90s"', '@every1h'],
    ['TZ=Europe/Berlin 0 2 * * *', 'it stands in timeZone', 'TZ=Europe/Berlin'],
    ['CRON_TZ=UTC 0 2 * * *', 'it stands in timeZone', 'CRON_TZ=UTC'],
    ['0 0 ? * ?', 'in one day field only', '?'],
    ['? * * * *', 'minute: no "?"', '?'],
    ['0 0 ?,1 * *', 'day of month: no "?"', '?'],
    ['H H * * *', 'minute: no "H"', 'H'],
    ['H/15 * * * *', 'minute: no "H"', 'H/15'],
    ['0 0 1 * +mon', 'day of week: no "?"', '+mon'],
    ['60 * * * *', 'from 0 to 59, and a step n from 1 to 60', '60'],
    ['60 0 0 * * *', 'second: ', '60'],
    ['0 24 * * *', 'hour: ', '24'],
    ['0 0 0 * *', 'from 1 to 31, and a step n from 1 to 31; or L (the last day), L-3', '0'],
    ['0 0 * 13 *', 'from 1 to 12 (or JAN to DEC), and a step n from 1 to 12', '13'],
    ['0 0 * foo *', 'month: ', 'foo'],
    ['0 0 * JANU *', 'month: ', 'JANU'],
    ['0 0 * * 8', "from 0 to 7 (or SUN to SAT), and a step n from 1 to 7; or aL (the month's last a)", '8'],
    ['*/0 * * * *', 'minute: ', '*/0'],
    ['*/61 * * * *', 'minute: ', '*/61'],
    ['1,,2 * * * *', 'minute: ', ''],
    ['1-2-3 * * * *', 'minute: ', '1-2-3'],
    ['*/2/2 * * * *', 'minute: ', '*/2/2'],
    ['-5 * * * *', 'minute: ', '-5'],
    ['1.5 * * * *', 'minute: ', '1.5'],
    ['0 0 L-0 * *', 'day of month: L-n with n from 1 to 30', 'L-0'],
    ['0 0 L-31 * *', 'day of month: L-n with n from 1 to 30', 'L-31'],
    ['0 0 L-3W * *', 'day of month: a day from 1 to 31 before W', 'L-3W'],
    ['0 0 * L-3 *', 'month: ', 'L-3'],
    ['0 0 * * L-3', 'day of week: ', 'L-3'],
    ['0 0 32W * *', 'day of month: a day from 1 to 31 before W', '32W'],
    ['0 0 1-5W * *', 'day of month: a day from 1 to 31 before W', '1-5W'],
    ['0 0 LW,1 * *', 'day of month: LW alone', 'LW'],
    ['0 0 * L *', 'month: ', 'L'],
    ['0 0 * * L', 'day of week: ', 'L'],
    ['0 0 * * MON#6', 'day of week: a day of week before L', 'MON#6'],
    ['0 0 * * MON-FRI#1', 'day of week: a day of week before L', 'MON-FRI#1'],
    ['0 0 * * 15W', 'day of week: ', '15W'],
    ['x'.repeat(300), 'at most 256 characters', '300 characters'],
  ])('refuses "%s" and says what it expected', (text, expected, got) => {
    const reading = readCron(text);
    const shown = / (characters|fields)$/.test(got) ? got : JSON.stringify(got);
    expect(reading).toMatchObject({ ok: false, got: shown });
    if (!reading.ok) expect(reading.expected).toContain(expected);
  });

  it.each([
    ['5/15 * * * *', '5,20,35,50 * * * *'],
    ['0 22-2 * * *', '0 0,1,2,22,23 * * *'],
    ['0 22-4/3 * * *', '0 22,1,4 * * *'],
    ['0 0 * * FRI-MON', '0 0 * * 0,1,5,6'],
    ['0 0 * * FRI-SUN', '0 0 * * 0,5,6'],
    ['0 0 * * 7-2', '0 0 * * 0,1,2'],
    ['0 0 * * MON/2', '0 0 * * 1,3,5'],
    ['0 0 * * 7/3', '0 0 * * 0,3,6'],
    ['0 0 29-2 * *', '0 0 1,2,29,30,31 * *'],
    ['0 0 1 NOVEMBER-FEB *', '0 0 1 1,2,11,12 *'],
    ['0 0 L,* * MON', '0 0 1,* * MON'],
    ['0 0 1,* * MON', '0 0 * * *'],
    ['0 0 14 * */7,*,4', '0 0 14 * *'],
    ['0 0 */20,*,5 * MON', '0 0 * * MON'],
    ['0 0 ? * MON', '0 0 * * 1'],
    ['@weekdays', '0 0 * * 1,2,3,4,5'],
  ])('takes "%s" for "%s"', (text, plain) => {
    expect(firstOf(text)).toEqual(firstOf(plain));
  });

  it('takes L-n for so many days before the last, which a short month may not have', () => {
    const yearOf = (expression: string): Date[] =>
      dueTimes(
        { kind: 'cron', expression, timeZone: 'UTC' },
        { after: new Date('2026-01-01'), through: new Date('2027-01-01'), limit: 50 },
      );
    expect(yearOf('0 0 L-3 2 *')).toEqual([new Date('2026-02-25')]);
    expect(yearOf('0 0 L-30 * *')).toEqual(yearOf('0 0 1 1,3,5,7,8,10,12 *'));
    expect(yearOf('0 0 l-03,15 * *')).toHaveLength(24);
  });

  it('accepts nothing that croner refuses, which knows no L-n', () => {
    const tokens = fc.constantFrom(...'* , - / # ? 0 1 5 7 12 31 59 L W LW JAN MAY SUNDAY MON'.split(' '));
    const field = fc.array(tokens, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
    const plain = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('*', '0', '5', '1-5', '*/2') }, field);
    fc.assert(
      fc.property(fc.array(plain, { minLength: 5, maxLength: 6 }), (fields) => {
        const reading = readCron(fields.join(' '));
        if (reading.ok && !reading.fields.expression.includes('L-'))
          expect(() => new Cron(reading.fields.expression, { mode: '6-part', utcOffset: 0 })).not.toThrow();
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    '30 2 * * *',
    '15 30 2 * * *',
    '@daily',
    '0 0 1 */2 MON',
    '30 2,14 * * *',
    '0,30 2 * * *',
    '*/30 2 * * *',
    '* * 1,02,3 * * *',
  ])('knows that "%s" names times of day, as its hours are fixed', (text) => {
    expect(readCron(text)).toMatchObject({ ok: true, fields: { namesTimesOfDay: true } });
  });

  it.each([
    '30 * * * *',
    '@hourly',
    '0 */12 * * *',
    '0 2-3 * * *',
    '30 2-2 * * *',
    '0 0-23/2 * * *',
    '0 2,9-17 * * *',
    '0 9-17,2 * * *',
    '0 1,* * * *',
  ])('knows that "%s" is a rhythm, as its hours are not fixed', (text) => {
    expect(readCron(text)).toMatchObject({ ok: true, fields: { namesTimesOfDay: false } });
  });
});
