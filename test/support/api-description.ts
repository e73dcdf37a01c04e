// What does the API's own description promise? Read from /openapi.json, with a validator for each answer that
// is made from the documented schema alone. The validator is stricter than the document: a field that is not
// described there is a mistake of ours, though callers are asked to ignore it.
import { z } from 'zod';
import type { TestServer } from './test-server.js';

const parameter = z.looseObject({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean().optional(),
  schema: z.record(z.string(), z.unknown()).optional(),
});
const content = z.record(z.string(), z.looseObject({ schema: z.record(z.string(), z.unknown()) }));
const response = z.union([
  z.strictObject({ $ref: z.string() }),
  z.looseObject({ description: z.string(), content: content.optional() }),
]);
const operation = z.looseObject({
  operationId: z.string(),
  summary: z.string().optional(),
  tags: z.array(z.string()).optional(),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(parameter).default([]),
  requestBody: z.looseObject({ content }).optional(),
  responses: z.record(z.string(), response),
});
const description = z.looseObject({
  openapi: z.string(),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(
    z.string(),
    z.record(z.enum(['get', 'put', 'post', 'patch', 'delete']), operation.optional()),
  ),
  components: z.looseObject({
    schemas: z.record(z.string(), z.record(z.string(), z.unknown())),
    responses: z.record(z.string(), z.looseObject({ content })),
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.string() })),
  }),
});

export type ApiDescription = z.output<typeof description>;
export type Operation = z.output<typeof operation> & { path: string; method: string };

export async function readDescription(server: TestServer): Promise<ApiDescription> {
  return description.parse((await server.anonymous.get('/openapi.json').expect(200)).body);
}

export function operationsOf({ paths }: ApiDescription): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, found]) =>
      found === undefined ? [] : [{ ...found, path, method }],
    ),
  );
}

/** The validator of a documented schema, or undefined where no body is documented. */
export function validatorOf(
  { components }: ApiDescription,
  { responses }: Operation,
  status: number,
): z.ZodType | undefined {
  const documented = responses[String(status)];
  const schema =
    documented !== undefined && 'content' in documented
      ? documented.content?.['application/json']?.schema
      : undefined;
  return (
    schema &&
    z.fromJSONSchema(
      closed({ ...schema, $defs: components.schemas }) as Parameters<typeof z.fromJSONSchema>[0],
    )
  );
}

/** The same schema, with its references in place and its objects closed to fields that they don't name. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]): [string, unknown] =>
    key === '$ref' && typeof value === 'string'
      ? [key, value.replace('#/components/schemas/', '#/$defs/')]
      : [key, closed(value)],
  );
  const isOpen = 'properties' in schema && !('additionalProperties' in schema);
  return Object.fromEntries([...entries, ...(isOpen ? [['additionalProperties', false]] : [])]);
}

/** What Express really listens to, written as OpenAPI writes it. */
export function servedRoutes(server: TestServer): string[] {
  const instance = server.running.app.getHttpAdapter().getInstance() as { router: { stack: unknown[] } };
  const layer = z.looseObject({
    route: z.looseObject({ path: z.string(), methods: z.record(z.string(), z.boolean()) }),
  });
  return instance.router.stack
    .flatMap((found) => layer.safeParse(found).data ?? [])
    .flatMap(({ route }) =>
      Object.keys(route.methods).map(
        (method) =>
          `${method} ${route.path
            .replaceAll('\\:', '(colon)')
            .replaceAll(/:(\w+)/g, '{$1}')
            .replaceAll('(colon)', ':')}`,
      ),
    );
}
