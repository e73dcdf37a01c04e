// How is a schema told in OpenAPI? By the same schema that checks requests and makes answers, as JSON Schema of draft
// 2020-12.
import type { OpenAPIObject, SwaggerDocumentOptions } from '@nestjs/swagger';
import { z } from 'zod';
import { FORMS, type Form } from '../requests/shapes.js';

export type Schema = Record<string, unknown>;
export type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** Swagger's own conversion mixes versions 3.0 and 3.1 of the schema language; zod's does not. */
export const standardSchemaConverter: NonNullable<SwaggerDocumentOptions['standardSchemaConverter']> = (
  schema,
  { schemaType },
) => (schema instanceof z.ZodType ? convert(schema, schemaType) : undefined);

export function convert(
  described: z.ZodType,
  io: 'input' | 'output',
): { schema: Schema; components?: Record<string, Schema> } {
  const {
    $defs,
    $schema: _dialect,
    ...rest
  } = z.toJSONSchema(described, {
    target: 'draft-2020-12',
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Answers may get new fields, which callers must be free to ignore.
      if (io === 'output' && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties;
    },
  });
  const { schema, components } = JSON.parse(
    JSON.stringify({ schema: rest, components: $defs }).replaceAll('#/$defs/', '#/components/schemas/'),
    (_key, value: unknown) => (isObject(value) ? inForms(tidy(value)) : value),
  ) as { schema: Schema; components?: Record<string, Schema> }; // what was made of it
  return { schema, ...(components === undefined ? {} : { components }) };
}

/** Without what only the reading of values has: bounds of doubles, and patterns that the format implies. */
function tidy({ minimum, maximum, pattern, ...schema }: Schema): Schema {
  return {
    ...schema,
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
    ...(pattern === undefined || IMPLYING.has(schema['format']) ? {} : { pattern }),
  };
}

const IMPLYING = new Set<unknown>(['date-time', 'uuid']);

/** An object of one of several forms is told as these forms. */
function inForms({ [FORMS]: forms, ...schema }: Schema): Schema {
  if (!Array.isArray(forms)) return schema;
  const { type, properties, required: _, additionalProperties, ...about } = schema;
  const fields = properties as Record<string, Schema>; // only an object's schema has forms
  const all = forms as readonly Form[];
  const isOpen = additionalProperties === undefined;
  return {
    ...about,
    oneOf: all.map((form) => ({
      title: form.title,
      type,
      properties: fieldsOf(form, fields),
      required: form.required,
      ...(isOpen ? withoutOthers(form, all) : { additionalProperties }),
    })),
  };
}

function fieldsOf({ required, optional = [], values = {} }: Form, fields: Record<string, Schema>): Schema {
  return Object.fromEntries(
    [...required, ...optional].map((name) => {
      const only = values[name];
      return [name, only === undefined ? fields[name] : { ...fields[name], enum: only }];
    }),
  );
}

/** Where any field may stand beside those of a form, what another one needs may not. */
function withoutOthers({ title, required }: Form, all: readonly Form[]): Schema {
  const wider = all.find(
    (form) => form.title !== title && required.every((name) => form.optional?.includes(name)),
  );
  if (wider === undefined) return {};
  const properties = Object.fromEntries(wider.required.map((name) => [name, {}]));
  return { not: { properties, required: wider.required } };
}

export function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
