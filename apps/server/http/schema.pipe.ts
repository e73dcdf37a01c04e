// Does the request fit its schema? Every body, query and path parameter that has one is checked here, and
// each mismatch is told with its place, what was expected and what was got.
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import type { StandardSchemaV1, ValidationIssue } from '#client/standard-schema.js';
import { pointerOf } from '#execution/handler-target.js';
import { ProblemError, type FieldError } from './problem.js';

export class SchemaPipe implements PipeTransform {
  async transform(value: unknown, metadata: ArgumentMetadata & { schema?: StandardSchemaV1 }): Promise<unknown> {
    if (metadata.schema === undefined) return value;
    // A missing body is undefined in Express 5; the schema should complain about its fields instead.
    const given = metadata.type === 'body' && value === undefined ? {} : value;
    const result = await metadata.schema['~standard'].validate(given);
    if (result.issues === undefined) return result.value;
    const errors = result.issues.map((issue) => fieldError(issue, given, metadata));
    throw new ProblemError('validation-failed', errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; '), { errors });
  }
}

function fieldError(issue: ValidationIssue, value: unknown, { type, data }: ArgumentMetadata): FieldError {
  const detail = issue.message.includes(', received ') ? issue.message : `${issue.message}, got ${show(valueAt(value, issue))}`;
  const pointer = pointerOf(issue);
  if (type === 'query') return { pointer: `?${data ?? pointer.slice(1)}`, detail };
  if (type === 'param') return { pointer: `:${data ?? pointer.slice(1)}`, detail };
  return { pointer, detail };
}

function valueAt(value: unknown, { path = [] }: ValidationIssue): unknown {
  return path.reduce<unknown>((parent, part) => {
    const key = typeof part === 'object' ? part.key : part;
    return typeof parent === 'object' && parent !== null ? (parent as Record<PropertyKey, unknown>)[key] : undefined;
  }, value);
}

const SHOWN_LENGTH_MAX = 100;

function show(value: unknown): string {
  const shown = value === undefined ? 'nothing' : JSON.stringify(value);
  return shown.length > SHOWN_LENGTH_MAX ? `${shown.slice(0, SHOWN_LENGTH_MAX)}…` : shown;
}
