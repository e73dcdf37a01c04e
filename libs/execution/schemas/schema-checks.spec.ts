// Does what a tenant's schema and a value made for it may cost stay bounded, in time, in memory and for all others?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { schemaChecks } from '#test/support/schema-checks.js';
import { watchProcess } from '#test/support/loop-watch.js';
import { compileSchema } from './json-schema.js';
import { SchemaChecks, type CheckBudget } from './schema-checks.js';

const checks = schemaChecks();
const tenantId = asId.tenant('a');

const check = (schema: object, value: unknown, budget?: CheckBudget, of = tenantId) =>
  checks.check({
    tenantId: of,
    schema,
    value,
    json: JSON.stringify(value),
    ...(budget === undefined ? {} : { budget }),
  });

const repeat = <Part>(times: number, part: (n: number) => Part): Part[] =>
  Array.from({ length: times }, (_, n) => part(n));

const unfolding = {
  $defs: Object.fromEntries(
    repeat(40, (n) => [
      `d${n}`,
      n === 39
        ? { type: 'string', minLength: 1 }
        : { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
    ]),
  ),
  $ref: '#/$defs/d0',
};

/** Runs `act` and judges the event loop and the memory meanwhile. */
async function undisturbed<Result>(act: () => Promise<Result>): Promise<Result> {
  const watch = watchProcess();
  const result = await act();
  watch.judge();
  return result;
}

describe('a check of a value by a schema of strangers', () => {
  it.each([
    ['a pattern that backtracks', { pattern: '^(a+)+$' }, `${'a'.repeat(50)}b`],
    ['references that unfold', unfolding, 'a'],
    ['many things to compare', { uniqueItems: true }, repeat(30_000, (n) => ({ n }))],
    ['many alternatives', { items: { enum: repeat(4_000, (n) => n) } }, repeat(120_000, () => 3_999)],
  ])(
    'with %s is given up, and the next one is not',
    async (_, schema, value) => {
      const verdict = await undisturbed(() => check(schema, value));
      expect(verdict).toEqual({
        kind: 'too-costly',
        expected: 'expected a value that can be checked within 500 ms and 64 MB',
      });
      expect(await check({ pattern: 'a' }, 'a')).toEqual({ kind: 'fits' });
    },
    60_000,
  );

  it('with a reference that leads back to itself for some values is given up', async () => {
    const schema = { if: { not: { type: 'object', required: ['a'] } }, else: { $ref: '#' } };
    const expected = expect.stringMatching(/can be checked against: .*call stack/) as string;
    expect(await check(schema, { a: 1 })).toEqual({ kind: 'misfit', mismatches: [{ path: [], expected }] });
  });

  it('tells the first of millions of mismatches', async () => {
    const schema = { items: { allOf: repeat(100, () => ({ type: 'string' })) } };
    const verdict = await undisturbed(() =>
      check(
        schema,
        repeat(120_000, () => 0),
      ),
    );
    expect(verdict).toEqual({
      kind: 'misfit',
      mismatches: [{ path: ['0'], expected: 'expected it to be string' }],
    });
  });

  it('of one request is bounded with all others of the request', async () => {
    const budget = SchemaChecks.budget();
    const schema = { pattern: '^(b+)+$' };
    const verdicts = await undisturbed(async () => {
      const found = [];
      for (let n = 0; n < 50; n += 1) found.push(await check(schema, `${'b'.repeat(50)}${n}`, budget));
      return found;
    });
    expect(verdicts.every(({ kind }) => kind === 'too-costly')).toBe(true);
    expect(verdicts.at(-1)).toEqual({
      kind: 'too-costly',
      expected: 'expected all values of a request to be checked within 2000 ms',
    });
    expect(await check({ pattern: 'a' }, 'a')).toEqual({ kind: 'fits' });
  }, 60_000);

  it('keeps no other tenant waiting for all of them', async () => {
    const budget = { cpuMsLeft: 1_500 };
    let ended = 0;
    const heavy = repeat(20, (n) => check({ pattern: '^(c+)+$' }, `${'c'.repeat(50)}${n}`, budget));
    for (const one of heavy) void one.then(() => (ended += 1));
    expect(await check({ pattern: 'a' }, 'a', undefined, asId.tenant('b'))).toEqual({ kind: 'fits' });
    expect(ended).toBeLessThan(2);
    await Promise.all(heavy);
  }, 60_000);

  it('says the same on the spot and in a thread', async () => {
    const schema = { type: 'array', items: { type: 'string', maxLength: 2, enum: ['a', 'b', 'dd'] } };
    const plain = compileSchema(schema);
    if (plain.kind === 'invalid') throw new Error(plain.expected);
    const inThread = { ...schema, $defs: { x: { pattern: 'a' } } };
    const letters = fc.array(
      fc.oneof(fc.string({ unit: fc.constantFrom('a', 'b', 'd'), maxLength: 3 }), fc.jsonValue()),
      {
        maxLength: 5,
      },
    );
    await fc.assert(
      fc.asyncProperty(letters, async (value) => {
        const mismatches = plain.check(JSON.parse(JSON.stringify(value)), 'all');
        const expected = mismatches.length === 0 ? { kind: 'fits' } : { kind: 'misfit', mismatches };
        expect(await check(schema, value)).toEqual(expected);
        expect(await check(inThread, value)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('on the spot costs little even at its dearest', async () => {
    const parts = repeat(30, () => ({ items: { type: 'string' } }));
    const schema = { allOf: parts };
    const value = repeat(2_000, () => 'x');
    await check(schema, value);
    const { user } = process.threadCpuUsage();
    for (let n = 0; n < 10; n += 1) await check(schema, value);
    expect((process.threadCpuUsage().user - user) / 10_000).toBeLessThan(50);
  });
});

describe('a tenant with many checks waiting', () => {
  it('is crowded until some of them are done', async () => {
    const budget = { cpuMsLeft: 1 };
    const heavy = repeat(30, (n) => check({ pattern: '^(d+)+$' }, `${'d'.repeat(400_000)}${n}`, budget));
    expect(checks.isCrowded(tenantId)).toBe(true);
    expect(checks.isCrowded(asId.tenant('b'))).toBe(false);
    await Promise.all(heavy);
    expect(checks.isCrowded(tenantId)).toBe(false);
  }, 60_000);
});
