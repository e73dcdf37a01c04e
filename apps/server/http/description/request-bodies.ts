// Gives the body of each operation a name, so that generated clients have a type for it, and an example that the API
// accepts. A schema that stands in another one, too, is told once.
import type { OpenAPIObject } from '@nestjs/swagger';
import { EXAMPLES } from './examples.js';
import { isObject, type Operation, type Schema } from './json-schema.js';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

export function nameBody({ operationId = '', requestBody }: Operation, schemas: Schemas): void {
  if (requestBody === undefined || '$ref' in requestBody) return;
  const name = `${operationId.charAt(0).toUpperCase()}${operationId.slice(1)}Body`;
  for (const media of Object.values(requestBody.content)) {
    if (media.schema !== undefined && !('$ref' in media.schema)) {
      const { default: _, ...schema } = media.schema;
      schemas[name] = schema;
    }
    if (name in schemas) media.schema = { $ref: `#/components/schemas/${name}` };
    media.example = EXAMPLES[operationId];
  }
  // A body all of whose fields may be left out may be left out itself.
  requestBody.required = isNeeded(schemas[name]);
}

function isNeeded(schema: unknown): boolean {
  if (!isObject(schema)) return true;
  return schema['type'] !== 'object' || (Array.isArray(schema['required']) && schema['required'].length > 0);
}

/** Below this a reference is no shorter than what it stands for. */
const TEXT_MIN = 300;

/** Refers to a named schema wherever the same stands within another one. */
export function tellOnce(schemas: Schemas): void {
  const names = new Map<string, string>();
  for (const [name, schema] of Object.entries(schemas)) {
    const text = JSON.stringify(schema);
    if (text.length >= TEXT_MIN && !names.has(text)) names.set(text, name);
  }
  const replace = (part: unknown, isWhole: boolean): unknown => {
    if (Array.isArray(part)) return part.map((one) => replace(one, false));
    if (!isObject(part)) return part;
    const name = isWhole ? undefined : names.get(JSON.stringify(part));
    if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, replace(value, false)]));
  };
  for (const [name, schema] of Object.entries(schemas)) schemas[name] = replace(schema, true) as Schema;
}
