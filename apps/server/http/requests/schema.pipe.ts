// Does the request fit its schema? The pipe checks every body, query and path parameter with a schema, and first
// searches them for values that could not be stored.
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import type { StandardSchemaV1 } from '#client/jobs/standard-schema.js';
import { jsonPointer, shortPlace } from '#kernel/json/json-pointer.js';
import { fieldErrors, type Place } from '../problems/field-errors.js';
import { invalidField, invalidFields } from '../problems/problem.js';
import { turnsFor } from './body-turns.js';
import { findUnstorable } from './storable.js';

const byPart = new WeakSet<StandardSchemaV1>();

/** Marks a schema whose handler searches for values that can't be stored itself, part by part. */
export function checkedByPart<Schema extends StandardSchemaV1>(schema: Schema): Schema {
  byPart.add(schema);
  return schema;
}

export class SchemaPipe implements PipeTransform {
  async transform(
    value: unknown,
    metadata: ArgumentMetadata & { schema?: StandardSchemaV1 },
  ): Promise<unknown> {
    const { type, schema } = metadata;
    if (type === 'custom') return value; // ours, not the caller's
    // A missing body is undefined in Express 5; the schema should complain about its fields instead.
    const given = type === 'body' && value === undefined ? {} : value;
    const place = placeOf(metadata);
    const nextTurn = turnsFor(given);
    await nextTurn?.();
    const unstorable = schema !== undefined && byPart.has(schema) ? null : findUnstorable(given);
    if (unstorable !== null) throw invalidField(place(unstorable.path), unstorable.detail);
    if (schema === undefined) return value;
    await nextTurn?.();
    const result = await schema['~standard'].validate(given);
    if (result.issues === undefined) return result.value;
    throw invalidFields(fieldErrors(result.issues, given, place));
  }
}

/** A parameter that was requested by name has no path of its own. */
function placeOf({ type, data }: ArgumentMetadata): Place {
  if (type === 'body') return jsonPointer;
  const mark = type === 'query' ? '?' : ':';
  return ([name]) => shortPlace(`${mark}${data ?? String(name ?? '')}`);
}
