// How is the API described? By the same schemas that check it, as OpenAPI 3.1 at /openapi.json, with a
// page at /docs that is served from here and loads nothing from elsewhere.
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject, type SwaggerDocumentOptions } from '@nestjs/swagger';
import { z } from 'zod';

/** Swagger's own conversion mixes versions 3.0 and 3.1 of the schema language; zod's does not. */
const standardSchemaConverter: NonNullable<SwaggerDocumentOptions['standardSchemaConverter']> = (schema, { schemaType }) => {
  if (!(schema instanceof z.ZodType)) return undefined;
  const { $defs, $schema: _dialect, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: schemaType, unrepresentable: 'any' });
  const text = (part: unknown): unknown => JSON.parse(JSON.stringify(part).replaceAll('#/$defs/', '#/components/schemas/'));
  return { schema: text(rest), ...($defs === undefined ? {} : { components: text($defs) as Record<string, unknown> }) };
};

export function describeApi(app: INestApplication, version: string): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Carillon')
    .setDescription('A highly available, multi-tenant job scheduler on PostgreSQL.')
    .setVersion(version)
    .addBearerAuth({ type: 'http', scheme: 'bearer' })
    .build();
  return SwaggerModule.createDocument(app, config, { standardSchemaConverter });
}

export function serveApiDescription(app: INestApplication, version: string): void {
  SwaggerModule.setup('docs', app, () => describeApi(app, version), { jsonDocumentUrl: 'openapi.json', yamlDocumentUrl: 'openapi.yaml' });
}
