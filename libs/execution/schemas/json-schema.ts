// Does a value fit a JSON Schema (draft 2020-12)? Ajv decides. A tenant's schema is a stranger's program: a pattern can
// backtrack without end, a few references can unfold to millions of checks, and a list of all mismatches can fill a
// heap. This file does not bound that; schema-checks.ts says where it may run. `format` is an annotation, as the
// standard has it, and unknown keywords are ignored.
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';

export interface SchemaMismatch {
  /** Keys and indexes that lead to the place in the value. */
  path: PropertyKey[];
  /** A sentence that begins with "expected". */
  expected: string;
}

/** Empty for a value that fits. Lists all mismatches, up to a bound, if asked to; else the first. */
export type SchemaCheck = (value: unknown, tell: 'first' | 'all') => SchemaMismatch[];

export type CompiledSchema =
  | { kind: 'compiled'; check: SchemaCheck }
  /** `path` leads to the place in the schema. */
  | { kind: 'invalid'; path: PropertyKey[]; expected: string };

export const SCHEMA_BYTES_MAX = 64 * 1024;
const TOLD_MAX = 50;
const TOLD_LENGTH_MAX = 500;

const OPTIONS = {
  strict: false,
  validateFormats: false,
  ownProperties: true,
  logger: false,
  // Each reference would bring a copy of its target, and each copy its own.
  inlineRefs: false,
} as const;

/** The schema of schemas. It takes a tenth of a second to make, so it is made when needed. */
let draft: Ajv2020 | null = null;

/** Never throws. Compiling takes milliseconds each time: keep the result. */
export function compileSchema(schema: object): CompiledSchema {
  if (Buffer.byteLength(JSON.stringify(schema)) > SCHEMA_BYTES_MAX)
    return invalid(`expected a schema of at most ${SCHEMA_BYTES_MAX} bytes`);
  if ('$async' in schema) return invalid('expected a schema without $async');
  draft ??= new Ajv2020(OPTIONS);
  try {
    if (draft.validateSchema(schema) !== true) return misfit(draft.errors ?? []);
    const validate = validatorOf(schema, false);
    if (!endsOn(PROBES, validate))
      return invalid(
        'expected a schema whose references end, got one that leads back to itself in one place',
      );
    let validateAll: ValidateFunction | null = null;
    const check: SchemaCheck = (value, tell) => {
      if (validate(value)) return [];
      if (tell === 'first') return told(validate.errors ?? []);
      validateAll ??= validatorOf(schema, true);
      validateAll(value);
      return told(validateAll.errors ?? []);
    };
    return { kind: 'compiled', check };
  } catch (error) {
    return invalid(`expected a JSON Schema (draft 2020-12) that can be used (${messageOf(error)})`);
  }
}

/** One of each type, so that a schema for one type alone is followed, too. */
const PROBES = [null, true, 0, '', [], {}];

/** False where a check calls itself without going deeper into the value, as JSON Schema forbids (core, section 9.4.1). */
function endsOn(values: readonly unknown[], validate: ValidateFunction): boolean {
  try {
    for (const value of values) validate(value);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * With an Ajv of its own, because an Ajv remembers every $id, and a tenant's must not be found by another tenant's
 * $ref.
 */
function validatorOf(schema: object, allErrors: boolean): ValidateFunction {
  return new Ajv2020({ ...OPTIONS, allErrors, meta: false, validateSchema: false }).compile(schema);
}

function invalid(expected: string): CompiledSchema {
  return { kind: 'invalid', path: [], expected };
}

function misfit([first]: readonly ErrorObject[]): CompiledSchema {
  if (first === undefined) return invalid('expected a JSON Schema (draft 2020-12)');
  return {
    kind: 'invalid',
    path: pathOf(first.instancePath),
    expected: `${expectation(first)} by JSON Schema (draft 2020-12)`,
  };
}

function told(errors: readonly ErrorObject[]): SchemaMismatch[] {
  return errors
    .slice(0, TOLD_MAX)
    .map((error) => ({ path: placeOf(error), expected: expectation(error).slice(0, TOLD_LENGTH_MAX) }));
}

/** For a missing or unwanted property, the place where it would be. */
function placeOf(error: ErrorObject): PropertyKey[] {
  const { missingProperty, additionalProperty, unevaluatedProperty } = error.params as Record<
    string,
    unknown
  >;
  const name = missingProperty ?? additionalProperty ?? unevaluatedProperty;
  return [...pathOf(error.instancePath), ...(typeof name === 'string' ? [name] : [])];
}

function expectation({ keyword, message = 'fit', params }: ErrorObject): string {
  if (keyword === 'required') return 'expected a value';
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties')
    return 'expected no such field';
  if (keyword === 'enum')
    return `expected one of ${JSON.stringify((params as { allowedValues: unknown }).allowedValues)}`;
  if (keyword === 'const')
    return `expected ${JSON.stringify((params as { allowedValue: unknown }).allowedValue)}`;
  return `expected it ${message.replace(/^must/, 'to')}`;
}

/** RFC 6901. */
function pathOf(pointer: string): PropertyKey[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
