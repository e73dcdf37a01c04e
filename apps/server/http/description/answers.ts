// Which answers does an operation have besides its success, and which headers do they all carry? Both follow from what the
// operation takes and who may call it, so that no route says it again.
import type { OpenAPIObject } from '@nestjs/swagger';
import { ANSWERS_KEPT_HOURS } from '../access/idempotency.js';
import type { Callers } from '../access/auth.guard.js';
import { PROBLEM_MEDIA_TYPE, titlesOf } from '../problems/problem.js';
import type { Operation, Schema } from './json-schema.js';

type Components = NonNullable<OpenAPIObject['components']>;

/** The components that answers refer to. */
export function answerComponents(problem: Schema): Pick<Components, 'headers' | 'responses'> {
  const responses = Object.entries(NAMES).map(([status, name]) => [
    name,
    {
      description: `${titlesOf(Number(status)).join('; or: ')}.`,
      headers: { ...ALL, ...headersOfProblem(Number(status)) },
      content: { [PROBLEM_MEDIA_TYPE]: { schema: problem } },
    },
  ]);
  const other = {
    description: 'Any other problem (RFC 9457), such as a request that did not come in time.',
    headers: { ...ALL },
    content: { [PROBLEM_MEDIA_TYPE]: { schema: problem } },
  };
  return { headers: HEADERS, responses: { ...Object.fromEntries(responses), Problem: other } };
}

const NAMES: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthenticated',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  412: 'PreconditionFailed',
  413: 'ContentTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Unprocessable',
  425: 'TooEarly',
  428: 'PreconditionRequired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'Unavailable',
};

const text = (description: string, required = false) => ({
  description,
  required,
  schema: { type: 'string' as const },
});
const HEADERS = {
  RequestId: text('Finds the request in the log: the one that was sent, or else a new one.', true),
  ETag: text('The revision, for If-Match.', true),
  ETagOfSemaphore: text('The revision of a semaphore, for If-Match; none of a lock that is not one.'),
  Location: text('The path of what was made.', true),
  IdempotencyReplayed: text(
    `true: the answer of the first request with this Idempotency-Key, kept for ${ANSWERS_KEPT_HOURS} hours.`,
  ),
  RetryAfter: text('After how many seconds another try may succeed.'),
  WwwAuthenticate: text('Bearer.', true),
  CarillonOwner: text(
    "The public URL of the replica that serves the tenant, where that is another one than this and its operator has set one. Any replica takes any request; sent there, the next run starts a little sooner. Send your key to no URL that you don't expect.",
  ),
};

const header = (name: keyof typeof HEADERS) => ({ $ref: `#/components/headers/${name}` });
const ALL = { 'X-Request-Id': header('RequestId') };

function headersOfProblem(status: number): Schema {
  if (status === 401) return { 'WWW-Authenticate': header('WwwAuthenticate') };
  return [409, 425, 429, 503].includes(status) ? { 'Retry-After': header('RetryAfter') } : {};
}

export interface Route {
  method: string;
  path: string;
}

export function tellAnswers(operation: Operation, route: Route, callers: Callers): void {
  for (const [status, response] of Object.entries(operation.responses)) {
    if (response === undefined || '$ref' in response) continue;
    response.headers = { ...ALL, ...headersOfSuccess(operation, route, status) };
    response.description ||= DEFAULT_TEXTS[status] ?? 'The answer.';
    const stream = response.content?.['text/event-stream'];
    if (stream !== undefined) stream.schema = { type: 'string' };
  }
  for (const status of problemsOf(operation, route, callers))
    operation.responses[String(status)] ??= { $ref: `#/components/responses/${NAMES[status]}` };
  operation.responses['default'] = { $ref: '#/components/responses/Problem' };
}

const DEFAULT_TEXTS: Readonly<Record<string, string>> = {
  200: 'Done.',
  201: 'Created.',
  202: 'Accepted; the work goes on.',
  204: 'Done; the answer has no body.',
  503: 'Not ready.',
};

const takes = ({ parameters = [] }: Operation, name: string): { required: boolean } | undefined => {
  const found = parameters.find((parameter) => 'name' in parameter && parameter.name === name);
  return found && 'required' in found ? { required: found.required ?? false } : undefined;
};

function headersOfSuccess(operation: Operation, { path }: Route, status: string): Schema {
  const shown = JSON.stringify(operation.responses[status]);
  const [, name = ''] = /"schema":\{"\$ref":"#\/components\/schemas\/(\w+)"/.exec(shown) ?? [];
  const isKept = takes(operation, 'Idempotency-Key') !== undefined;
  return {
    ...(REVISED.has(name) ? { ETag: header('ETag') } : {}),
    ...(name === 'Lock' ? { ETag: header('ETagOfSemaphore') } : {}),
    ...(name === 'CreatedRun' ? { 'Carillon-Owner': header('CarillonOwner') } : {}),
    ...(isPlaced(name, { status, path }) ? { Location: header('Location') } : {}),
    ...(isKept ? { 'Idempotency-Replayed': header('IdempotencyReplayed') } : {}),
  };
}

const REVISED = new Set(['Tenant', 'JobType', 'Schedule', 'Calendar', 'SkippedDueTimes']);
/** Whose path is told where they are made. */
const PLACED = new Set(['Tenant', 'JobType', 'Schedule', 'Calendar', 'Lock', 'Run', 'Operation']);

function isPlaced(name: string, { status, path }: { status: string; path: string }): boolean {
  if (name === 'CreatedRun') return path.endsWith('/runs');
  return (status === '201' || status === '202') && PLACED.has(name);
}

function problemsOf(operation: Operation, { method, path }: Route, callers: Callers): number[] {
  if (callers.isPublic) return [400];
  const changes = method !== 'get';
  const isOfTenant = path.includes('{tenant}');
  const ifMatch = takes(operation, 'If-Match');
  return [
    400,
    401,
    ...(callers.areWorkersToo ? [] : [403]),
    404, // everywhere, of a replica without the role api
    // A verb may need a state of what it reads, too.
    ...(changes || /:\w+$/.test(path) ? [409] : []),
    ...(ifMatch === undefined ? [] : [412]),
    ...(ifMatch?.required === true ? [428] : []),
    ...(changes ? [413, 415] : []),
    422,
    ...(path.includes('/leases/{token}') ? [425] : []),
    ...(isOfTenant || changes ? [429] : []),
    500,
    503,
  ];
}
