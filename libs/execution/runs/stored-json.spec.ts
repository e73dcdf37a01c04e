// Is what gets stored always something that jsonb can hold, and otherwise what was given?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeJson } from './stored-json.js';

const LIMIT_BYTES = 256 * 1024;

const stored = (value: unknown): unknown => {
  const encoded = encodeJson(value);
  return encoded.kind === 'encoded' ? (JSON.parse(encoded.json) as unknown) : encoded;
};

/** Escapes that PostgreSQL refuses in jsonb: an escaped NUL, or half of a surrogate pair. Escaped backslashes are none. */
const refusedByJsonb = (json: string): boolean => /\\u(0000|d[89a-f])/i.test(json.replaceAll('\\\\', ''));

describe('a stored value', () => {
  it.each([
    ['an object', { a: [1, 'two', { three: null }], ü: '😀' }],
    ['a string', 'done'],
    ['a number', 0.1],
    ['null', null],
    ['an empty string', ''],
  ])('comes back as it was: %s', (_what, value) => {
    expect(stored(value)).toEqual(value);
  });

  it.each([
    ['undefined', undefined, null],
    ['a function', () => 1, null],
    ['a symbol', Symbol('a'), null],
    ['an instant', new Date('2026-11-21T08:00:00Z'), '2026-11-21T08:00:00.000Z'],
    ['NaN', Number.NaN, null],
    ['what JSON leaves out', { kept: 1, left: undefined }, { kept: 1 }],
  ])('becomes what JSON makes of it: %s', (_what, value, expected) => {
    expect(stored(value)).toEqual(expected);
  });

  it('is nested as deep as the API takes, and no deeper', () => {
    const nested = (levels: number): unknown =>
      Array.from({ length: levels }).reduce<unknown>((inner) => [inner], '[[');
    expect(stored(nested(100))).toEqual(nested(100));
    for (const levels of [101, 3_000, 100_000])
      expect(encodeJson(nested(levels))).toMatchObject({ kind: 'unfit' });
  });

  it('has U+FFFD for every NUL and every half of a surrogate pair, and keeps whole pairs', () => {
    expect(stored({ text: 'a\0b\ud800c\udfffd😀', deep: ['\0\0'] })).toEqual({
      text: 'a\ufffdb\ufffdc\ufffdd😀',
      deep: ['\ufffd\ufffd'],
    });
  });

  it('keeps a backslash, a u and four digits that only look like a NUL', () => {
    const literal = String.raw`C:\u0000 and \ud800, both written out`;
    expect(stored(literal)).toBe(literal);
    expect(stored({ literal, nul: '\0' })).toEqual({ literal, nul: '\ufffd' });
  });

  it('can be held by jsonb, whatever text it holds, and differs only where it could not', () => {
    const pieces = fc.constantFrom('a', 'ü', '"', '\\', 'u0000', 'ud83d', '\0', '\ud83d', '\ude00');
    const texts = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 5 }), (value) => {
        const encoded = encodeJson(value);
        expect(encoded.kind === 'encoded' && refusedByJsonb(encoded.json)).toBe(false);
        expect(stored(value)).toEqual(value.map((text) => text.toWellFormed().replaceAll('\0', '\ufffd')));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['names of properties', { 'a\0b': 1 }],
    ['names of properties, cut in half', { 'a\ud800': 1 }],
    ['wrapped strings', [new String('a\0b')]],
  ])('can be held by jsonb: %s', (_what, value) => {
    const encoded = encodeJson(value);
    expect(encoded.kind === 'encoded' && refusedByJsonb(encoded.json)).toBe(false);
  });
});

describe('a value that can not be stored', () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const nest = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);

  it.each([
    ['a cycle', cycle, /circular/i],
    ['a BigInt', { balance: 1n }, /BigInt/],
    [
      'what throws when asked',
      {
        toJSON: () => {
          throw new Error('not now');
        },
      },
      /not now/,
    ],
    [
      'what throws no error when asked',
      {
        toJSON: () => {
          throw 'not now';
        },
      },
      /not now/,
    ],
    ['what is too deep for JSON', nest(100_000), /call stack/i],
  ])('is %s, and the reason is told', (_what, value, reason) => {
    expect(encodeJson(value)).toEqual({
      kind: 'unfit',
      reason: expect.stringMatching(reason),
    });
  });

  it('is one byte over the limit, quotes included', () => {
    expect(encodeJson('x'.repeat(LIMIT_BYTES - 2)).kind).toBe('encoded');
    expect(encodeJson('x'.repeat(LIMIT_BYTES - 1))).toEqual({
      kind: 'unfit',
      reason: 'expected at most 262144 bytes of JSON, got 262145',
    });
  });

  it('is measured in bytes, not in characters', () => {
    const umlauts = 'ü'.repeat(LIMIT_BYTES / 2 - 1);
    expect(encodeJson(umlauts).kind).toBe('encoded');
    expect(encodeJson(`${umlauts}ü`).kind).toBe('unfit');
  });
});
