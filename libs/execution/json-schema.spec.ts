// Does a schema decide as JSON Schema says, name the place, and stop in time whatever a stranger puts into it?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileSchema, type SchemaCheck } from './json-schema.js';

function checkOf(schema: object, trusted = false): SchemaCheck {
  const compiled = compileSchema(schema, { trusted });
  if (compiled.kind === 'invalid') throw new Error(compiled.expected);
  return compiled.check;
}

const told = (schema: object, value: unknown) =>
  checkOf(schema)(value).map(({ path, expected }) => `/${path.map(String).join('/')} ${expected}`);

describe('a schema', () => {
  it.each([
    [{ type: 'object' }, {}, []],
    [{ type: 'object' }, 5, ['/ expected it to be object']],
    [{ required: ['a', 'b'] }, { a: 1 }, ['/b expected a value']],
    [{ properties: { a: {} }, additionalProperties: false }, { a: 1, b: 2 }, ['/b expected no such field']],
    [
      { properties: { list: { items: { type: 'integer', minimum: 3 } } } },
      { list: [3, 2.5, 'x'] },
      [
        '/list/1 expected it to be integer',
        '/list/1 expected it to be >= 3',
        '/list/2 expected it to be integer',
      ],
    ],
    [{ enum: ['a', 1] }, 'b', ['/ expected one of ["a",1]']],
    [{ const: 'a' }, 'b', ['/ expected "a"']],
    [{ properties: { 'a/b~c': { type: 'null' } } }, { 'a/b~c': 1 }, ['/a/b~c expected it to be null']],
    [
      { prefixItems: [{ type: 'string' }], items: false },
      ['a', 1],
      ['/ expected it to NOT have more than 1 items'],
    ],
    [
      { $defs: { n: { type: 'number' } }, items: { $ref: '#/$defs/n' } },
      ['a'],
      ['/0 expected it to be number'],
    ],
    [
      { unevaluatedProperties: false, allOf: [{ properties: { a: {} } }] },
      { b: 1 },
      ['/b expected no such field'],
    ],
    [
      { type: 'object', properties: { children: { items: { $ref: '#' } } } },
      { children: [{ children: [5] }] },
      ['/children/0/children/0 expected it to be object'],
    ],
    // Annotations, by the standard.
    [{ format: 'email' }, 'nobody', []],
    [{ colour: 'red' }, 5, []],
    // Not a property of its own.
    [{ required: ['constructor'] }, {}, ['/constructor expected a value']],
  ])('%j says of %j: %j', (schema, value, expected) => {
    expect(told(schema, value)).toEqual(expected);
  });

  it.each([
    [{ type: 'objekt' }, 'type', /JSON Schema \(draft 2020-12\)/],
    [{ properties: { a: { minimum: 'x' } } }, 'properties.a.minimum', /to be number/],
    [{ $schema: 'http://json-schema.org/draft-07/schema#' }, '', /draft-07/],
    [{ $ref: 'https://example.com/elsewhere.json' }, '', /elsewhere/],
    [{ $ref: '#/$defs/missing' }, '', /missing/],
    [{ pattern: '(' }, '', /can be used/],
    [{ $async: true }, '', /\$async/],
    [{ enum: ['x'.repeat(65_536)] }, '', /at most 65536 bytes/],
  ])('%j is refused at %s', (schema, place, reason) => {
    const compiled = compileSchema(schema, { trusted: false });
    expect(compiled.kind === 'invalid' && compiled.path.join('.')).toBe(place);
    expect(compiled.kind === 'invalid' && compiled.expected).toMatch(reason);
  });

  it('with the $id of another one is another one', () => {
    const of = (type: string) => checkOf({ $id: 'https://example.com/one', type });
    const [text, number] = [of('string'), of('number')];
    expect([text('a'), number('a').length, number(1), text(1).length]).toEqual([[], 1, [], 1]);
  });

  it('is not found by the reference of another one', () => {
    checkOf({ properties: { a: { $id: 'https://example.com/part', type: 'string' } } });
    const compiled = compileSchema({ $ref: 'https://example.com/part' }, { trusted: false });
    expect(compiled).toMatchObject({ kind: 'invalid' });
  });

  it.each([
    ['a pattern that backtracks', { pattern: '^(a+)+$' }, `${'a'.repeat(50)}b`],
    [
      'references that unfold',
      {
        $defs: Object.fromEntries(
          Array.from({ length: 40 }, (_, n) => [
            `d${n}`,
            n === 39
              ? { type: 'string' }
              : { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
          ]),
        ),
        $ref: '#/$defs/d0',
      },
      'a',
    ],
    ['a reference to its root', { allOf: [{ $ref: '#' }] }, 1],
    ['a reference to itself', { $defs: { a: { allOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }, 1],
    ['many things to compare', { uniqueItems: true }, Array.from({ length: 60_000 }, (_, n) => ({ n }))],
  ])('with %s is stopped in time', (_, schema, value) => {
    const startMs = performance.now();
    const [mismatch] = checkOf(schema)(value);
    expect(performance.now() - startMs).toBeLessThan(3_000);
    expect(mismatch).toMatchObject({
      path: [],
      expected: expect.stringContaining('can be checked') as string,
    });
    // And the next one is not stopped.
    expect(checkOf({ pattern: 'a' })('a')).toEqual([]);
  });

  it('decides the same whether it is trusted or not', () => {
    const schema = { type: 'array', items: { pattern: '^[a-c]+$' }, uniqueItems: true };
    const [watched, trusted] = [checkOf(schema), checkOf(schema, true)];
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(watched(value)).toEqual(trusted(value));
      }),
      { numRuns: 50 },
    );
    const letters = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'd'), maxLength: 3 }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(letters, (value) => {
        expect(watched(value)).toEqual(trusted(value));
      }),
      { numRuns: 100 },
    );
  });
});
