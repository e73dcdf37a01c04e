// Describes the API by the same schemas that check it: OpenAPI 3.1 at /openapi.json, and a page at /docs that loads
// nothing from other hosts.
import type { INestApplication } from '@nestjs/common';
import {
  DocumentBuilder,
  SwaggerModule,
  type OpenAPIObject,
  type SwaggerDocumentOptions,
} from '@nestjs/swagger';
import { z } from 'zod';
import { problem } from './http/problems/problem.js';

type Schema = Record<string, unknown>;

/** Swagger's own conversion mixes versions 3.0 and 3.1 of the schema language; zod's does not. */
const standardSchemaConverter: NonNullable<SwaggerDocumentOptions['standardSchemaConverter']> = (
  schema,
  { schemaType },
) => {
  return schema instanceof z.ZodType ? convert(schema, schemaType) : undefined;
};

function convert(schema: z.ZodType, io: 'input' | 'output'): { schema: Schema; components?: Schema } {
  const {
    $defs,
    $schema: _dialect,
    ...rest
  } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Answers may get new fields, which callers must be free to ignore.
      if (io === 'output' && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties;
      // zod reports the safe integers of a double as bounds where none is meant.
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      // The format implies the pattern, which is ten lines long.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  });
  const text = (part: unknown): Schema =>
    JSON.parse(JSON.stringify(part).replaceAll('#/$defs/', '#/components/schemas/')) as Schema;
  return { schema: text(rest), ...($defs === undefined ? {} : { components: text($defs) }) };
}

interface Served {
  version: string;
  /** Where the API is mounted; empty at the root. */
  prefix: string;
}

function describeApi(app: INestApplication, { version, prefix }: Served): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Carillon')
    .setDescription('A highly available, multi-tenant job scheduler on PostgreSQL.')
    .setVersion(version)
    .addBearerAuth({ type: 'http', scheme: 'bearer' });
  if (prefix !== '') config.addServer(prefix);
  return withProblems(SwaggerModule.createDocument(app, config.build(), { standardSchemaConverter }));
}

/** Every call can end in a problem, and all problems have one form. */
function withProblems(document: OpenAPIObject): OpenAPIObject {
  const { schema, components } = convert(problem, 'output');
  document.components ??= {};
  Object.assign((document.components.schemas ??= {}), components);
  document.components.responses = {
    Problem: {
      description: 'The problem (RFC 9457).',
      content: { 'application/problem+json': { schema } },
    },
  };
  for (const path of Object.values(document.paths)) {
    for (const method of METHODS) {
      const operation = path[method];
      if (operation !== undefined)
        operation.responses['default'] = { $ref: '#/components/responses/Problem' };
    }
  }
  return document;
}

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;

export function serveApiDescription(app: INestApplication, served: Served): void {
  SwaggerModule.setup('docs', app, () => describeApi(app, served), {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
  });
}
