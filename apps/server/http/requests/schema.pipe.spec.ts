// Does a handler get only what fits its schema, and a caller a complaint that mends the request?
import type { ArgumentMetadata } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ProblemError } from '../problems/problem.js';
import { SchemaPipe } from './schema.pipe.js';

const pipe = new SchemaPipe();
const body = z.strictObject({
  name: z.string(),
  retry: z.object({ maxAttempts: z.int().min(1) }).optional(),
  tags: z.array(z.string()).default([]),
});

const through = (value: unknown, metadata: Partial<ArgumentMetadata> & { schema?: z.ZodType } = {}) =>
  pipe.transform(value, { type: 'body', schema: body, ...metadata });

async function complaints(...request: Parameters<typeof through>) {
  const problem: unknown = await through(...request).catch((error: unknown) => error);
  if (!(problem instanceof ProblemError)) throw new Error(`expected a problem, got ${String(problem)}`);
  expect(problem).toMatchObject({ type: 'validation-failed', status: 422 });
  return problem.extras.errors ?? [];
}

describe('a request', () => {
  it('that fits comes through as its schema makes it', async () => {
    expect(await through({ name: 'a' })).toEqual({ name: 'a', tags: [] });
  });

  it('without a schema comes through untouched', async () => {
    const value = { anything: true };
    expect(await pipe.transform(value, { type: 'body' })).toBe(value);
  });

  it('may leave its body out if nothing in it is demanded', async () => {
    expect(await through(undefined, { schema: z.object({ wait: z.int().default(0) }) })).toEqual({ wait: 0 });
  });

  it('waits for a schema that takes its time', async () => {
    const schema = z
      .string()
      .refine(async (name) => Promise.resolve(name !== 'taken'), 'expected another name');
    expect(await through('free', { schema })).toBe('free');
    expect(await complaints('taken', { schema })).toMatchObject([
      { detail: 'expected another name, got "taken"' },
    ]);
  });
});

describe('what does not fit', () => {
  it('is pointed at in the body, with what was expected and what was got', async () => {
    expect(await complaints({ name: 'a', retry: { maxAttempts: 0 } })).toEqual([
      { pointer: '/retry/maxAttempts', detail: 'expected at least 1, got 0' },
    ]);
    expect(await complaints({ name: 'a', tags: ['x', 7] })).toEqual([
      { pointer: '/tags/1', detail: 'expected string, got 7' },
    ]);
  });

  it.each<[z.ZodType, unknown, string]>([
    [z.int(), 1.5, 'expected a whole number, got 1.5'],
    [z.int(), 1e30, 'expected at most 9007199254740991, got 1e+30'],
    [z.number().gt(3), 3, 'expected more than 3, got 3'],
    [z.string().min(1), '', 'expected at least 1 character, got ""'],
    [z.string().length(3), 'ab', 'expected exactly 3 characters, got "ab"'],
    [z.array(z.int()).max(2), [1, 2, 3], 'expected at most 2 entries, got [1,2,3]'],
    [z.enum(['a', 'b']), 'c', 'expected "a" or "b", got "c"'],
    [z.literal('a'), 'b', 'expected "a", got "b"'],
    [z.iso.datetime(), 'x', 'expected an instant such as 2026-11-21T08:00:00Z, got "x"'],
    [z.url(), 'x', 'expected a URL, got "x"'],
    [z.string().regex(/^a$/), 'x', 'expected text that matches /^a$/, got "x"'],
    [z.record(z.string().max(1), z.int()), { ab: 1 }, 'expected a key of at most 1 character, got "ab"'],
    [z.record(z.string(), z.int()), 7, 'expected an object, got 7'],
    [z.union([z.string(), z.array(z.string())]), 7, 'expected string, or array, got 7'],
    [z.number().refine(() => false), 7, 'expected another value, got 7'],
  ])('is told in our words, and in none of the validator: %#', async (schema, value, detail) => {
    expect(await complaints(value, { schema })).toMatchObject([{ detail }]);
  });

  it('of one value or a list is told at its place inside the one that was sent', async () => {
    const schema = z.union([z.iso.datetime(), z.array(z.iso.datetime()).min(1)]);
    const instant = 'expected an instant such as 2026-11-21T08:00:00Z';
    expect(await complaints('x', { schema })).toMatchObject([{ detail: `${instant}, got "x"` }]);
    expect(await complaints([], { schema })).toMatchObject([{ detail: 'expected at least 1 entry, got []' }]);
    const given = ['2026-11-21T08:00:00Z', 'x', 7];
    expect(await complaints(given, { schema })).toEqual([
      { pointer: '/1', detail: `${instant}, got "x"` },
      { pointer: '/2', detail: 'expected string, got 7' },
    ]);
  });

  it('is a kind that there is none of', async () => {
    const [handler, http] = [z.object({ kind: z.literal('handler') }), z.object({ kind: z.literal('http') })];
    const schema = z.discriminatedUnion('kind', [handler, http]);
    expect(await complaints({ kind: 'x' }, { schema })).toEqual([
      { pointer: '/kind', detail: 'expected "handler" or "http", got "x"' },
    ]);
  });

  it('is told all at once, and once more in the words of the problem', async () => {
    const problem: unknown = await through({ retry: {} }).catch((error: unknown) => error);
    expect(problem).toMatchObject({
      message: expect.stringMatching(/^\/name: .*; \/retry\/maxAttempts: /) as unknown,
      extras: { errors: [{ pointer: '/name' }, { pointer: '/retry/maxAttempts' }] },
    });
  });

  it('is the first field, not the whole, when the body is missing', async () => {
    expect(await complaints(undefined)).toMatchObject([{ pointer: '/name' }]);
  });

  it('is found in the query by its name', async () => {
    const metadata = { type: 'query', schema: z.object({ pageSize: z.coerce.number().max(200) }) } as const;
    expect(await complaints({ pageSize: '201' }, metadata)).toEqual([
      { pointer: '?pageSize', detail: 'expected at most 200, got "201"' },
    ]);
    expect(await complaints('x', { type: 'query', data: 'wait', schema: z.coerce.number() })).toMatchObject([
      { pointer: '?wait' },
    ]);
  });

  it('is found in the path by its name', async () => {
    expect(await complaints('x', { type: 'param', data: 'run', schema: z.uuid() })).toMatchObject([
      { pointer: ':run', detail: 'expected a UUID, got "x"' },
    ]);
  });

  it('is shown as nothing if it is not there', async () => {
    const schema = z.object({ at: z.unknown().refine((at) => at !== undefined, 'expected an instant') });
    expect(await complaints({}, { schema })).toEqual([
      { pointer: '/at', detail: 'expected an instant, got nothing' },
    ]);
  });

  it('is shown in part if it is long', async () => {
    const schema = z.object({ name: z.string().max(3, 'expected a short name') });
    const [error] = await complaints({ name: 'x'.repeat(500) }, { schema });
    expect(error?.detail).toBe(`expected a short name, got "${'x'.repeat(99)}…`);
  });
});
