// Does a value fit a JSON Schema (draft 2020-12)? Ajv decides. Schemas that tenants make are strangers' programs:
// a pattern can backtrack and a reference can unfold without end, so what they check runs under a watchdog that
// stops it. `format` is an annotation, as the standard has it, and unknown keywords are ignored.
import { createContext, Script } from 'node:vm';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';

export interface SchemaMismatch {
  /** Keys and indexes that lead to the place in the value. */
  path: PropertyKey[];
  /** A sentence that begins with "expected". */
  expected: string;
}

/** Every mismatch; none for a value that fits. */
export type SchemaCheck = (value: unknown) => SchemaMismatch[];

export type CompiledSchema =
  | { kind: 'compiled'; check: SchemaCheck }
  /** `path` leads to the place in the schema. */
  | { kind: 'invalid'; path: PropertyKey[]; expected: string };

export interface SchemaOrigin {
  /** Made by whoever runs the installation, so that nothing has to be watched. */
  trusted: boolean;
}

const SCHEMA_BYTES_MAX = 64 * 1024;
const CHECK_MS_MAX = 200;
/** Keywords whose work is not bounded by the sizes of schema and value. The watchdog costs a tenth of a millisecond. */
const UNBOUNDED = /"(pattern|patternProperties|uniqueItems|\$ref|\$dynamicRef)"/;

const OPTIONS = {
  strict: false,
  allErrors: true,
  validateFormats: false,
  ownProperties: true,
  logger: false,
} as const;

/** Knows what a schema must look like, and nothing of any one. */
const draft = new Ajv2020(OPTIONS);

/** Never throws. The same schema costs a millisecond each time: keep what comes out. */
export function compileSchema(schema: object, { trusted }: SchemaOrigin): CompiledSchema {
  const text = JSON.stringify(schema);
  if (Buffer.byteLength(text) > SCHEMA_BYTES_MAX)
    return invalid(`expected a schema of at most ${SCHEMA_BYTES_MAX} bytes`);
  if ('$async' in schema) return invalid('expected a schema without $async');
  try {
    if (draft.validateSchema(schema) !== true) return misfit(draft.errors ?? []);
    // One of its own, because it remembers every $id, and one tenant's must not be found by another's $ref.
    const validate = new Ajv2020({ ...OPTIONS, meta: false, validateSchema: false }).compile(schema);
    const check: SchemaCheck = (value) => mismatches(validate, value);
    return {
      kind: 'compiled',
      check: !trusted && UNBOUNDED.test(text) ? watched(check) : check,
    };
  } catch (error) {
    return invalid(`expected a JSON Schema (draft 2020-12) that can be used (${messageOf(error)})`);
  }
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

function mismatches(validate: ValidateFunction, value: unknown): SchemaMismatch[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).map((error) => ({ path: placeOf(error), expected: expectation(error) }));
}

const room: { act: (() => unknown) | null } = { act: null };
const context = createContext(room);
const script = new Script('act()');

// Only code that is run through `vm` can be stopped; what it calls is stopped with it.
function watched(check: SchemaCheck): SchemaCheck {
  return (value) => {
    room.act = () => check(value);
    try {
      return script.runInContext(context, { timeout: CHECK_MS_MAX }) as SchemaMismatch[]; // what `act` returns
    } catch (error) {
      return [
        {
          path: [],
          expected: `expected a value that its schema can be checked against: ${messageOf(error)}`,
        },
      ];
    } finally {
      room.act = null;
    }
  };
}

/** Of what is missing or not wanted, the place where it would be. */
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
