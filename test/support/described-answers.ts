// Is an answer as the API's description says? Its status, its type, its headers and its body are compared with
// docs/openapi.json, for every answer that a test server gives through supertest. The check is stricter than the
// document: a field that is not described there is a mistake of ours, though callers are asked to ignore it.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv';
import { z } from 'zod';

const FILE = join(resolve(import.meta.dirname, '../..'), 'docs/openapi.json');
/** Answered before the path is looked at, or about the method: of no operation. */
const OF_NO_OPERATION = new Set([405, 408, 417, 431]);
const TOLD_HEADERS = [
  'etag',
  'location',
  'retry-after',
  'idempotency-replayed',
  'carillon-owner',
  'www-authenticate',
  'x-request-id',
];

const reference = z.looseObject({ $ref: z.string() });
const response = z.looseObject({
  headers: z.record(z.string(), reference).default({}),
  content: z.record(z.string(), z.unknown()).default({}),
});
const document = z.looseObject({
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ responses: z.record(z.string(), z.union([reference, response])) })),
  ),
  components: z.looseObject({
    responses: z.record(z.string(), response),
    headers: z.record(z.string(), z.looseObject({ required: z.boolean() })),
  }),
});

export interface Answer {
  method: string;
  path: string;
  status: number;
  type: string;
  headers: Readonly<Record<string, unknown>>;
  text: string | undefined;
  body: unknown;
}

interface Told {
  /** Where the answer stands in the document. */
  pointer: string;
  answer: z.output<typeof response>;
}

/** What is wrong with it, or null. */
export function wrongWith(answer: Answer): string | null {
  const { path, method, status } = answer;
  if (!/^\/(api|healthz)\//i.test(path) || method === 'OPTIONS') return null;
  const found = findOperation(method === 'HEAD' ? 'get' : method.toLowerCase(), path);
  const told = found === null || OF_NO_OPERATION.has(status) ? problemTold() : answerTold(found, status);
  if (told === null) return `status ${status} is not described`;
  return wrongHeaders(answer, told) ?? (method === 'HEAD' ? null : wrongBody(answer, told));
}

let read: {
  api: z.output<typeof document>;
  ajv: Ajv2020;
  paths: { path: string; pattern: RegExp }[];
} | null = null;

function description() {
  if (read !== null) return read;
  const json: unknown = JSON.parse(readFileSync(FILE, 'utf8'));
  const api = document.parse(json);
  const ajv = new Ajv2020({ strict: false, validateSchema: false, formats: FORMATS });
  ajv.addSchema(closed(json) as object, 'openapi');
  const paths = Object.keys(api.paths).map((path) => ({
    path,
    pattern: new RegExp(`^${path.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/:]+')}/?$`, 'i'),
  }));
  read = { api, ajv, paths };
  return read;
}

const FORMATS = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  uri: (text: string) => URL.canParse(text),
};

function findOperation(method: string, path: string): { path: string; method: string } | null {
  const { paths, api } = description();
  const found = paths.find(
    ({ path: told, pattern }) => pattern.test(path) && method in (api.paths[told] ?? {}),
  );
  return found === undefined ? null : { path: found.path, method };
}

function answerTold({ path, method }: { path: string; method: string }, status: number): Told | null {
  const { api } = description();
  const told = api.paths[path]?.[method]?.responses[String(status)];
  if (told === undefined) return null;
  if ('$ref' in told) return problemTold(String(told['$ref']).split('/').at(-1));
  const place = path.replaceAll('~', '~0').replaceAll('/', '~1');
  return { pointer: `/paths/${place}/${method}/responses/${status}`, answer: response.parse(told) };
}

function problemTold(name = 'Problem'): Told | null {
  const answer = description().api.components.responses[name];
  return answer === undefined ? null : { pointer: `/components/responses/${name}`, answer };
}

function wrongHeaders({ headers }: Answer, { answer }: Told): string | null {
  const { components } = description().api;
  const told = Object.entries(answer.headers).map(([name, { $ref }]) => ({
    name: name.toLowerCase(),
    isRequired: components.headers[$ref.split('/').at(-1) ?? '']?.required === true,
  }));
  const missing = told.find(({ name, isRequired }) => isRequired && headers[name] === undefined);
  if (missing !== undefined) return `the header ${missing.name} is missing`;
  const untold = TOLD_HEADERS.find(
    (name) => headers[name] !== undefined && !told.some((one) => one.name === name),
  );
  return untold === undefined ? null : `the header ${untold} is not described`;
}

function wrongBody({ type, text = '', body }: Answer, { pointer, answer }: Told): string | null {
  const types = Object.keys(answer.content);
  if (types.length === 0) return text === '' ? null : `expected no body, got ${text.slice(0, 200)}`;
  if (!types.includes(type)) return `the type ${JSON.stringify(type)} is not described`;
  if (!type.endsWith('json')) return null;
  const validate = validatorAt(`${pointer}/content/${type.replaceAll('/', '~1')}/schema`);
  if (validate(body)) return null;
  return `${description().ajv.errorsText(validate.errors)}: ${JSON.stringify(validate.errors?.[0]?.params)}`;
}

const validators = new Map<string, ValidateFunction>();

function validatorAt(pointer: string): ValidateFunction {
  const known = validators.get(pointer);
  if (known !== undefined) return known;
  const made = description().ajv.compile({ $ref: `openapi#${encodeURI(pointer)}` });
  validators.set(pointer, made);
  return made;
}

/** The same, with its objects closed to fields that they don't name. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed);
  if (typeof part !== 'object' || part === null) return part;
  const isOpen = 'properties' in part && 'type' in part && !('additionalProperties' in part);
  const inside = Object.entries(part).map(([key, value]): [string, unknown] => [key, closed(value)]);
  return Object.fromEntries([...inside, ...(isOpen ? [['additionalProperties', false]] : [])]);
}
