import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIELDS_MAX, NESTING_MAX, parseExactJson, VALUES_MAX } from './exact-json.js';

describe('a JSON text that can be kept as it is', () => {
  it.each([
    '{}',
    'null',
    '9007199254740991',
    '[-9007199254740992, 1e22, 0.1, 3.14159265358979323846, 1e-400, 0.10000000000000001]',
    '"12345678901234567890 and 1e999"',
    '{"a: 12345678901234567890":[", 1e400"]}',
    '1152921504606847000',
    '[10000000000000000000000]',
    '"\\\\"',
    '["\\"", 1]',
  ])('is parsed: %s', (text) => {
    expect(parseExactJson(text)).toEqual({ kind: 'parsed', value: JSON.parse(text) as unknown });
  });

  it('is parsed whatever it holds that JavaScript can write', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parseExactJson(text)).toEqual({ kind: 'parsed', value: JSON.parse(text) as unknown });
      }),
      { numRuns: 500 },
    );
  });

  it('is nested up to a bound', () => {
    const text = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(parseExactJson(text(NESTING_MAX))).toMatchObject({ kind: 'parsed' });
    for (const levels of [NESTING_MAX + 1, 20_000, 400_000])
      expect(parseExactJson(text(levels))).toEqual({
        kind: 'refused',
        path: Array.from({ length: NESTING_MAX }, () => 0),
        detail: 'expected at most 100 levels of nesting, got more',
      });
    expect(parseExactJson(JSON.stringify(`${'['.repeat(500)}\\"`))).toMatchObject({ kind: 'parsed' });
  });
});

describe('how many values a JSON text may have', () => {
  /** All that stands in the outermost one, and itself. */
  const numbers = (count: number) => `[${'1,'.repeat(count - 2)}[]]`;
  const fields = (count: number) => `{"a":[{${'"b":1,'.repeat(count - 2)}"c,:[":{}}]}`;

  it('is bounded before they are made', () => {
    for (const text of [numbers(VALUES_MAX), fields(FIELDS_MAX)])
      expect(parseExactJson(text)).toMatchObject({ kind: 'parsed' });
    expect(parseExactJson(numbers(VALUES_MAX + 1))).toEqual({
      kind: 'refused',
      path: [],
      detail: 'expected at most 150000 values in one JSON text, got 150001',
    });
    expect(parseExactJson(fields(FIELDS_MAX + 1))).toEqual({
      kind: 'refused',
      path: [],
      detail: 'expected at most 60000 fields of objects in one JSON text, got 60001',
    });
  });

  it('is more than what may be stored can have', () => {
    const bytes = 256 * 1024;
    for (const dense of ['1,', '[],', '"",', `${'['.repeat(90)}${']'.repeat(90)},`, '{"":1},'])
      expect(parseExactJson(`[${dense.repeat(Math.floor((bytes - 3) / dense.length))}1]`).kind).toBe(
        'parsed',
      );
    expect(parseExactJson(`{${'"":1,'.repeat(Math.floor((bytes - 7) / 5))}"":1}`).kind).toBe('parsed');
  });
});

describe('a number that no double holds', () => {
  it.each([
    ['9007199254740993', ''],
    ['-12345678901234567890', ''],
    ['1152921504606846976', ''],
    ['10000000000000000000001', ''],
    ['1e400', ''],
    ['-1.5E+9999', ''],
    ['1'.repeat(400), ''],
    ['{"a":{"b c":[1, 2,\n 9007199254740993]}}', 'a.b c.2'],
    ['{"x":{"y":1},"a\\"\\u00e9":1e309}', 'a"é'],
    ['[[],{},"9007199254740993",{"n":9007199254740993}]', '3.n'],
  ])('%s is refused with its place', (text, place) => {
    const parsed = parseExactJson(text);
    expect(parsed.kind === 'refused' && parsed.path.map(String).join('.')).toBe(place);
    expect(parsed.kind === 'refused' && parsed.detail).toMatch(
      /^expected a number that a double holds exactly, got -?\d/,
    );
  });

  it('is every integer that comes back as another one', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (integer) => {
        const comesBack = BigInt(Number(integer).toLocaleString('fullwide', { useGrouping: false }));
        const isKept = parseExactJson(`[${integer}]`).kind === 'parsed';
        if (integer > -(2n ** 53n) && integer < 2n ** 53n) expect(isKept).toBe(true);
        else if (isKept) expect(BigInt(Number(integer))).toBe(BigInt(Number(comesBack)));
        expect(parseExactJson(JSON.stringify([Number(integer)])).kind).toBe('parsed');
      }),
      { numRuns: 1_000 },
    );
  });
});

it('what is no JSON is told as such', () => {
  for (const text of ['', '{', '[1,]', '[}', '01', "{'a':1}", '[9007199254740993', '"\\'])
    expect(parseExactJson(text)).toMatchObject({
      kind: 'malformed',
      message: expect.stringMatching(/JSON/) as string,
    });
});
