// Does a value fit a JSON Schema that a tenant has written? Draft 2020-12, checked by ajv. Patterns are matched by
// RE2 in linear time: with JavaScript's own a tenant could hold everybody else's runs up with one regular expression.
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats, { type FormatName } from 'ajv-formats';
import { RE2JS } from 're2js';

/** Where, as a JSON pointer (RFC 6901), and what was expected. */
export interface SchemaIssue {
  pointer: string;
  message: string;
}

export type SchemaCheck = (value: unknown) => SchemaIssue[];
export type CompiledSchema = { kind: 'compiled'; check: SchemaCheck } | { kind: 'unfit'; reason: string };

const REMEMBERED_MAX = 1_000;
const ISSUES_MAX = 20;

/** Compiles once for each text of a schema; what is no schema is a value, too. */
export class JsonSchemas {
  readonly #remembered = new Map<string, CompiledSchema>();

  compile(schema: object): CompiledSchema {
    const text = JSON.stringify(schema);
    const remembered = this.#remembered.get(text);
    if (remembered !== undefined) return remembered;
    const compiled = compile(schema);
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.set(text, compiled);
    return compiled;
  }
}

function compile(schema: object): CompiledSchema {
  try {
    // An instance for each: schemas of several tenants may have the same $id, and none may refer to another's.
    const ajv = new Ajv2020({ strict: false, logger: false, code: { regExp: linear } });
    formats.default(ajv, { mode: 'fast', formats: FORMATS });
    const validate = ajv.compile(schema);
    return {
      kind: 'compiled',
      check: (value) => {
        if (validate(value) === true) return [];
        return (validate.errors ?? []).slice(0, ISSUES_MAX).map(({ instancePath, message }) => ({
          pointer: instancePath,
          message: message ?? 'does not fit',
        }));
      },
    };
  } catch (error) {
    return { kind: 'unfit', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Those whose own patterns take linear time. */
const FORMATS: FormatName[] = [
  'date',
  'time',
  'date-time',
  'uuid',
  'ipv4',
  'ipv6',
  'uri',
  'email',
  'hostname',
];

/** Ajv writes the name of the engine into the code that it generates, which nobody but itself runs. */
const linear = Object.assign(
  (pattern: string) => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return { test: (text: string) => compiled.matcher(text).find() };
  },
  { code: 'linear' },
);
