// What does the API's own description promise? Read from /openapi.json. Whether answers are as it says is checked for
// every answer of a test server (described-answers.ts).
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
