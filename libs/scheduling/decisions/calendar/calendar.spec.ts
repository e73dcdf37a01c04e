// Does our calendar find the wall times that croner finds, for all that the dialect can say, in any year?
import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCron, type CronFields } from '../cron-dialect.js';
import { calendarOf } from './calendar.js';

function fieldsOf(text: string): CronFields {
  const reading = readCron(text);
  if (!reading.ok) throw new Error(`expected ${reading.expected}, got ${reading.got}`);
  return reading.fields;
}

const next = (text: string, after: string): string | null => {
  const found = calendarOf(fieldsOf(text))(Date.parse(after));
  return found === null ? null : new Date(found).toISOString();
};

function croners({ expression, requiresBothDays }: CronFields): Cron {
  return new Cron(expression, { mode: '6-part', utcOffset: 0, domAndDow: requiresBothDays });
}

const item = (min: number, max: number): fc.Arbitrary<string> => {
  const number = fc.integer({ min, max });
  const by = fc.integer({ min: 1, max: Math.min(7, max - min + 1) });
  return fc.oneof(
    number.map(String),
    fc.tuple(number, number).map(([from, to]) => `${from}-${to}`),
    fc.tuple(number, number, by).map(([from, to, step]) => `${from}-${to}/${step}`),
    fc.tuple(number, by).map(([from, step]) => `${from}/${step}`),
    by.map((step) => `*/${step}`),
  );
};
const listOf = (items: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant('*'),
    fc.array(items, { minLength: 1, maxLength: 3 }).map((list) => list.join()),
  );
const monthDay = fc.oneof(
  { weight: 2, arbitrary: item(1, 31) },
  fc.constant('L'),
  fc.integer({ min: 1, max: 31 }).map((day) => `${day}W`),
);
const weekDay = fc.oneof(
  { weight: 2, arbitrary: item(0, 7) },
  fc.integer({ min: 0, max: 7 }).map((day) => `${day}L`),
  fc
    .tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 1, max: 5 }))
    .map(([day, ordinal]) => `${day}#${ordinal}`),
);
const texts = fc
  .tuple(
    listOf(item(0, 59)),
    listOf(item(0, 59)),
    listOf(item(0, 23)),
    fc.oneof({ weight: 5, arbitrary: listOf(monthDay) }, fc.constant('LW')),
    listOf(item(1, 12)),
    listOf(weekDay),
  )
  .map((fields) => fields.join(' '));
/** Most are the last moments of something, where a search must carry over. */
const instants = fc.oneof(
  fc.integer({ min: 0, max: Date.UTC(2900, 0, 1) / 1_000 }).map((second) => second * 1_000),
  fc
    .tuple(
      fc.integer({ min: 1970, max: 2900 }),
      fc.integer({ min: 0, max: 12 }),
      fc.constantFrom(-1_000, -1, 0, 1, 999),
    )
    .map(([year, month, ms]) => Math.max(0, Date.UTC(year, month, 1) + ms)),
  fc
    .tuple(fc.integer({ min: 0, max: 300_000 }), fc.constantFrom(-1_000, -1, 0, 3_599_000, 3_600_000))
    .map(([day, ms]) => Math.max(0, day * 86_400_000 + ms)),
);

describe('the calendar', () => {
  it('answers as croner does', () => {
    let answered = 0;
    fc.assert(
      fc.property(texts, instants, (text, fromMs) => {
        const fields = fieldsOf(text);
        const theirs = croners(fields);
        const nextMs = calendarOf(fields);
        let atMs = fromMs;
        for (let due = 0; due < 3; due += 1) {
          const expected = theirs.nextRun(new Date(atMs))?.getTime() ?? null;
          const found = nextMs(atMs);
          expect({ text, atMs, found }).toEqual({ text, atMs, found: expected });
          if (found === null) return;
          answered += 1;
          atMs = found;
        }
      }),
      { numRuns: 3_000 },
    );
    expect(answered).toBeGreaterThan(6_000);
  });

  it.each([
    ['0 0 29 2 *', '2096-03-01T00:00Z', '2104-02-29T00:00:00.000Z'],
    ['0 0 29 2 *', '2396-03-01T00:00Z', '2400-02-29T00:00:00.000Z'],
    ['0 0 31 12 *', '2998-12-31T00:00Z', '2999-12-31T00:00:00.000Z'],
    ['59 59 23 31 12 *', '2999-12-31T23:59:58.999Z', '2999-12-31T23:59:59.000Z'],
    ['59 59 23 31 12 *', '2999-12-31T23:59:59Z', null],
    ['0 0 30 2 *', '2026-01-01T00:00Z', null],
    ['0 0 31W 4,6,9,11 *', '2026-01-01T00:00Z', null],
    ['* * * * *', '1969-12-31T12:00Z', '1969-12-31T12:01:00.000Z'],
  ])('of %s goes from %s on to %s', (text, after, due) => {
    expect(next(text, after)).toBe(due);
  });
});
