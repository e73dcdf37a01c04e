// Does a schema decide as JSON Schema says, and name the place?
import { describe, expect, it } from 'vitest';
import { compileSchema } from './json-schema.js';

function checkOf(schema: object, tell: 'first' | 'all' = 'all') {
  const compiled = compileSchema(schema);
  if (compiled.kind === 'invalid') throw new Error(compiled.expected);
  return (value: unknown) => compiled.check(value, tell);
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
    [{ $ref: '#' }, '', /references end/],
    [{ type: 'object', anyOf: [{ type: 'string' }, { $ref: '#' }] }, '', /references end/],
    [{ $defs: { a: { allOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }, '', /references end/],
    [{ enum: ['x'.repeat(65_536)] }, '', /at most 65536 bytes/],
  ])('%j is refused at %s', (schema, place, reason) => {
    const compiled = compileSchema(schema);
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
    const compiled = compileSchema({ $ref: 'https://example.com/part' });
    expect(compiled).toMatchObject({ kind: 'invalid' });
  });

  it('tells the first mismatch or all, up to a bound', () => {
    const schema = { items: { type: 'string' } };
    const value = Array.from({ length: 1_000 }, (_, n) => n);
    const [first, all] = [checkOf(schema, 'first')(value), checkOf(schema, 'all')(value)];
    expect(first).toEqual([{ path: ['0'], expected: 'expected it to be string' }]);
    expect(all).toHaveLength(50);
    expect(checkOf({ const: 'x'.repeat(10_000) })(1)[0]?.expected).toHaveLength(500);
  });

  it('that names one definition many times is compiled without copies of it', () => {
    const names = Array.from({ length: 50 }, (_, n) => `p${n}`);
    const part = { properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) };
    const schema = { $defs: { part }, allOf: Array.from({ length: 200 }, () => ({ $ref: '#/$defs/part' })) };
    const { user } = process.threadCpuUsage();
    expect(checkOf(schema)({ p7: 7 })).not.toEqual([]);
    expect((process.threadCpuUsage().user - user) / 1_000).toBeLessThan(2_000);
  });
});
