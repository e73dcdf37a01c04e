// Is the API's description as it is kept in docs/, and one that people and generators of clients can use?
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { apiDocument } from './api-document.js';
import { isTold } from './http/description/glossary.js';
import { isObject } from './http/description/json-schema.js';

const FILE = 'docs/openapi.json';
const kept = readFileSync(join(resolve(import.meta.dirname, '../..'), FILE), 'utf8');

const operationShape = z.looseObject({
  operationId: z.string(),
  summary: z.string(),
  description: z.string(),
  tags: z.tuple([z.string()]),
  'x-callers': z.array(z.string()),
  parameters: z
    .array(
      z.looseObject({
        in: z.string(),
        name: z.string(),
        description: z.string(),
        required: z.boolean().default(false),
      }),
    )
    .default([]),
  requestBody: z
    .looseObject({
      content: z.record(
        z.string(),
        z.strictObject({ schema: z.strictObject({ $ref: z.string() }), example: z.unknown() }),
      ),
    })
    .optional(),
});
type Operation = z.output<typeof operationShape>;

const documentShape = z.looseObject({
  tags: z.array(z.strictObject({ name: z.string(), description: z.string().min(20) })),
  paths: z.record(z.string(), z.record(z.string(), operationShape)),
  components: z.looseObject({ schemas: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});

const document = documentShape.parse(JSON.parse(kept));
const operations: Operation[] = Object.values(document.paths).flatMap((methods) => Object.values(methods));

describe('the kept description', () => {
  let made: string;
  beforeAll(async () => {
    made = await apiDocument();
  });

  it('is what the routes say', () => {
    expect(kept === made, `${FILE} is not as the routes say: run \`npm run openapi\` and commit it`).toBe(
      true,
    );
  });

  it('is made alike each time', async () => {
    expect(await apiDocument()).toBe(made);
  });

  it('passes the linter without a warning', async () => {
    const config = await createConfig({ extends: ['recommended-strict'] });
    const found = await lintFromString({ source: kept, absoluteRef: FILE, config });
    expect(found.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
  });
});

describe('an operation', () => {
  it('is named by a verb', () => {
    const verbs =
      /^(acquire|add|audit|backfill|cancel|check|complete|create|define|delete|deregister|drain|explain|fail|forceRelease|forget|get|list|lookUp|pause|preview|put|quiet|register|release|renew|resume|retry|revoke|rotate|run|send|simulate|skip|snooze|stepDown|suspend|terminate|unblock|undrain|update)[A-Z]\w+$/;
    for (const { operationId } of operations) expect(operationId).toMatch(verbs);
  });

  it('says in a word what it does, and who may call it', () => {
    for (const { operationId, summary, description } of operations) {
      expect(summary, operationId).toMatch(/^[A-Z0-9][^;:]{8,100}$/);
      expect(description, operationId).toMatch(/(Needs no key|May be called by .*)\./);
    }
  });

  it('has one tag, of those that have a text', () => {
    const told = document.tags.map(({ name }) => name);
    const used = new Set(operations.flatMap(({ tags }) => tags));
    expect([...used].toSorted()).toEqual(told.toSorted());
  });

  it('describes each parameter, and shows a value of each that must be there', () => {
    for (const { operationId, parameters } of operations)
      for (const parameter of parameters) {
        expect(parameter.description, `${operationId} ${parameter.name}`).toMatch(/./);
        if (parameter.required)
          expect(parameter, `${operationId} ${parameter.name}`).toHaveProperty('example');
      }
  });

  it('has a named body with an example', () => {
    for (const { operationId, requestBody } of operations)
      for (const { schema, example } of Object.values(requestBody?.content ?? {})) {
        expect(schema.$ref).toMatch(/^#\/components\/schemas\/[A-Z]\w+Body$/);
        expect(example, operationId).toBeDefined();
      }
  });
});

describe('a schema', () => {
  it('describes each of its fields', () => {
    const untold = Object.entries(document.components.schemas).flatMap(([name, schema]) =>
      untoldIn(schema, name),
    );
    expect(untold).toEqual([]);
  });

  it('tells the forms of a spec apart', () => {
    const { oneOf } = z
      .looseObject({ oneOf: z.array(z.unknown()) })
      .parse(document.components.schemas['ScheduleSpec']);
    expect(oneOf).toContainEqual(
      expect.objectContaining({ title: 'interval', required: ['everySeconds'], additionalProperties: false }),
    );
    expect(oneOf).toHaveLength(7);
  });

  it('names no bound and no pattern that only the reading of values has', () => {
    expect(kept).not.toContain(String(Number.MAX_SAFE_INTEGER));
    expect(kept).not.toContain('[0-9a-fA-F]{8}');
    expect(kept).not.toContain('bearerFormat');
    expect(JSON.stringify(document.components)).not.toMatch(/"default":(?!\{"description)/);
  });
});

function untoldIn(schema: unknown, place: string): string[] {
  if (Array.isArray(schema)) return schema.flatMap((one) => untoldIn(one, place));
  if (!isObject(schema)) return [];
  const { properties = {}, items, anyOf, oneOf, additionalProperties } = schema;
  return [
    ...Object.entries(properties as object).flatMap(([name, field]: [string, unknown]) => [
      ...(isTold(field) ? [] : [`${place}.${name}`]),
      ...untoldIn(field, `${place}.${name}`),
    ]),
    ...[items, anyOf, oneOf, additionalProperties].flatMap((part) => untoldIn(part, place)),
  ];
}
