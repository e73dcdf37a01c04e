// Is there anything that a handler can say and the API can't take? Outputs and details are exact or refused with the
// reason, and what is only shown is mended.
import { describe, expect, it } from 'vitest';
import { encodeDetails, encodeOutput, lineOf, progressOf } from './accepted-json.js';

const circle: Record<string, unknown> = { name: 'loop' };
circle['self'] = circle;
const throwing = {
  toJSON: () => {
    throw new Error('not me');
  },
};
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

describe('an output', () => {
  it.each<[string, unknown, unknown]>([
    ['nothing', undefined, null],
    ['a function', () => 1, null],
    ['a symbol', Symbol('s'), null],
    ['a date', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['NaN', [Number.NaN], [null]],
    ['whole characters beyond the first plane', '😀', '😀'],
    ['an escaped backslash before u0000', String.raw`\u0000`, String.raw`\u0000`],
  ])('%s is what JSON says of it', (_what, value, said) => {
    expect(encodeOutput(value)).toEqual({ kind: 'encoded', value: said });
  });

  it.each<[string, unknown, RegExp]>([
    ['a circle', circle, /JSON can express.*circular/s],
    ['a BigInt', { n: 1n }, /JSON can express.*BigInt/],
    ['a toJSON that throws', throwing, /got not me$/],
    ['NUL', { a: ['x\0'] }, /^\/a\/0: expected text without NUL/],
    ['half a surrogate pair', { a: '\ud800' }, /^\/a: expected text without NUL characters or lone/],
    ['a field named with NUL', { 'a\0': 1 }, /expected a field with another name/],
    ['a field that JavaScript would lose', JSON.parse('{"__proto__":1}'), /^\/__proto__: expected a field/],
    ['more than 256 KiB', 'x'.repeat(256 * 1024), /^expected at most 262144 bytes of JSON, got 262146$/],
    ['nesting without end', deep(101), /at most 100 levels/],
  ])('%s is refused with the reason', (_what, value, reason) => {
    expect(encodeOutput(value)).toEqual({
      kind: 'unfit',
      reason: expect.stringMatching(reason) as string,
    });
  });
});

describe('details', () => {
  it('are taken as they are at that moment', () => {
    const details = { page: 1 };
    const said = encodeDetails(details);
    details.page = 2;
    expect(said).toEqual({ page: 1 });
  });

  it.each([[circle], [{ n: 1n }], [throwing], ['x'.repeat(64 * 1024)]])(
    'that can not be said throw TypeError %#',
    (value) => {
      expect(() => encodeDetails(value)).toThrow(TypeError);
    },
  );
});

describe('progress', () => {
  it.each([
    [Number.NaN, 0],
    ['0.5', 0],
    [undefined, 0],
    [-1, 0],
    [Number.POSITIVE_INFINITY, 1],
    [0.25, 0.25],
  ])('%s is %s', (fraction, said) => {
    expect(progressOf(fraction, undefined)).toEqual({ fraction: said });
  });

  it.each<[unknown, string]>([
    ['x'.repeat(2_000), 'x'.repeat(1_000)],
    ['a\0b\ud800', 'a\uFFFDb\uFFFD'],
    [`${'x'.repeat(999)}😀`, `${'x'.repeat(999)}\uFFFD`],
    [7, '7'],
    [Object.create(null), 'an object that can not be shown'],
  ])('has a message that is cut and mended %#', (message, said) => {
    expect(progressOf(1, message)).toEqual({ fraction: 1, message: said });
  });
});

describe('a log line', () => {
  const cut = 'expected at most 8000 characters in a message, got 9000';
  it.each<[unknown[], object]>([
    [['sent'], { message: 'sent' }],
    [['x'.repeat(9_000)], { message: 'x'.repeat(8_000), fields: { cut } }],
    [[{ to: 'Zoë' }, 'x'.repeat(9_000)], { message: 'x'.repeat(8_000), fields: { to: 'Zoë', cut } }],
    [['a\0'], { message: 'a\uFFFD' }],
    [[undefined], { message: 'undefined' }],
    [[null, 'x'], { message: 'null' }],
    [[{ to: 'Zoë' }, 'sent'], { message: 'sent', fields: { to: 'Zoë' } }],
    [[{ n: 1n, text: '\ud800' }], { message: '', fields: { n: '1', text: '\uFFFD' } }],
    [[[1, 2], 'list'], { message: 'list', fields: { value: [1, 2] } }],
    [[new Date(0), 'at'], { message: 'at', fields: { value: '1970-01-01T00:00:00.000Z' } }],
    [[circle, 'x'], { message: 'x', fields: { unfit: expect.stringContaining('circular') as string } }],
    [[throwing, 'x'], { message: 'x', fields: { unfit: expect.stringContaining('not me') as string } }],
    [[{ text: 'x'.repeat(10_000) }], { message: '', fields: { text: `${'x'.repeat(7_999)}…` } }],
    [
      [new RangeError('out')],
      { message: 'out', fields: { err: expect.objectContaining({ name: 'RangeError' }) as object } },
    ],
  ])('is mended %#', ([first, second], line) => {
    expect(lineOf(first, second)).toEqual(line);
  });
});
