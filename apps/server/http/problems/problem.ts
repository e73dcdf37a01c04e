// Which errors can the API answer with? A fixed list of problem types (RFC 9457), each with its status.
// The type is the stable name that programs act on; the title is for people.
import { z } from 'zod';

const PROBLEMS = {
  'bad-request': [400, 'The request can not be read'],
  'malformed-json': [400, 'The body is not JSON'],
  'invalid-page-token': [400, 'The page token does not fit this list'],
  unauthenticated: [401, 'No valid API key was sent'],
  forbidden: [403, 'The key may not do this'],
  'not-found': [404, 'Not found'],
  'method-not-allowed': [405, 'Method not allowed'],
  'request-timeout': [408, 'The request did not come in time'],
  'already-exists': [409, 'Already exists'],
  'invalid-state': [409, 'Not allowed in this state'],
  'request-in-progress': [409, 'An earlier request is still being answered'],
  'lease-lost': [409, 'The lease is no longer held'],
  'lock-held': [409, 'The lock is held'],
  'lock-lost': [409, 'The lock is no longer held'],
  'etag-mismatch': [412, 'Changed since it was read'],
  'payload-too-large': [413, 'The body is too large'],
  'unsupported-media-type': [415, 'Unsupported media type'],
  'expectation-failed': [417, 'Expectation failed'],
  'validation-failed': [422, 'The request does not fit its schema'],
  'idempotency-key-reused': [422, 'The Idempotency-Key was sent with another request'],
  'too-early': [425, 'Not there yet'],
  'precondition-required': [428, 'If-Match is required'],
  'too-many-followers': [429, 'Too many requests follow logs in this replica'],
  'quota-exceeded': [429, "The tenant's limit is reached"],
  'head-too-large': [431, 'The request head is too large'],
  internal: [500, 'Internal error'],
  'replica-busy': [503, 'The replica is too busy'],
  'owner-unavailable': [503, "The tenant's replica is busy or does not answer"],
  'database-unavailable': [503, 'The database is unavailable'],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemType = keyof typeof PROBLEMS;

/** The titles of the problems with a status. */
export const titlesOf = (status: number): string[] =>
  Object.values(PROBLEMS).flatMap(([of, title]) => (of === status ? [title] : []));

export interface FieldError {
  /**
   * RFC 6901, into the body, whose root is the empty string; or `?name` and `:name` for query and path parameters,
   * or the name of a header. Cut where it is long.
   */
  pointer: string;
  /** The expected and the received. */
  detail: string;
}

export interface ProblemExtras {
  errors?: readonly FieldError[];
  currentRevision?: number;
  currentState?: string;
  /** The run that holds the key. */
  run?: string;
  /** Who holds the lock, as far as it is known; with the token, if it is the caller. */
  holds?: readonly { name: string; holder: string; expiresAt: Date | null; token?: number }[];
  /** The tenant's limit that was reached. */
  limit?: { name: string; max: number; current: number };
  headers?: Readonly<Record<string, string>>;
}

/** The shape of every error answer. */
export const problem = z
  .looseObject({
    type: z.string().describe('Names the kind of problem; stable, for programs to act on.'),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('The type as a constant, e.g. NOT_FOUND.'),
    detail: z.string().describe('What was expected and what was got.'),
    instance: z.string(),
    requestId: z.string().describe('Finds the request in the log; also in X-Request-Id.'),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
    currentRevision: z.int().optional(),
    currentState: z.string().optional(),
    run: z.uuid().optional().describe('The run that is in the way.'),
    holds: z
      .array(
        z.object({
          name: z.string(),
          holder: z.string(),
          expiresAt: z.iso.datetime().nullable(),
          token: z.int().optional(),
        }),
      )
      .optional()
      .describe(
        'Who holds the lock: five at most of each. The token only if the asking holder has it itself.',
      ),
    limit: z
      .object({ name: z.string(), max: z.int(), current: z.int() })
      .optional()
      .describe("The tenant's limit that was reached; only an administrator sets it."),
  })
  .meta({ id: 'Problem' });

/** Thrown by controllers only; libs return their expected outcomes. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly type: ProblemType,
    detail: string,
    readonly extras: ProblemExtras = {},
  ) {
    super(detail);
  }

  get status(): number {
    return PROBLEMS[this.type][0];
  }

  /** The type as a constant. */
  get code(): string {
    return this.type.toUpperCase().replaceAll('-', '_');
  }

  get title(): string {
    return PROBLEMS[this.type][1];
  }
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** The body of the answer. */
export function problemBody(
  problem: ProblemError,
  { instance, requestId }: { instance: string; requestId: unknown },
): Record<string, unknown> {
  const { headers: _, ...extras } = problem.extras;
  return {
    type: `/problems/${problem.type}`,
    title: problem.title,
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    instance,
    requestId,
    ...extras,
  };
}

export function notFound(what: string, name: string): ProblemError {
  return new ProblemError('not-found', `expected ${what} ${JSON.stringify(name)} to exist, found none`);
}

/** For a resource whose name must be new. */
export function nameTaken(name: string): ProblemError {
  const detail = `expected a new name, got ${JSON.stringify(name)}, which is taken`;
  return new ProblemError('already-exists', `/name: ${detail}`, { errors: [{ pointer: '/name', detail }] });
}

/** For a key that was revoked while its request waited. */
export function revokedMeanwhile(): ProblemError {
  return new ProblemError(
    'unauthenticated',
    'expected the key to be valid until the answer, got a revoked one',
    {
      headers: { 'www-authenticate': 'Bearer' },
    },
  );
}

export function invalidField(pointer: string, detail: string): ProblemError {
  return invalidFields([{ pointer, detail }]);
}

/** Throws for a body that gives its resource another name than the path. */
export function refuseOtherName(given: string | undefined, name: string): void {
  if (given !== undefined && given !== name)
    throw invalidField('/name', `expected the name in the path, ${name}, or none, got ${given}`);
}

export function invalidFields(errors: readonly FieldError[]): ProblemError {
  const detail = errors
    .map((error) => `${error.pointer === '' ? 'body' : error.pointer}: ${error.detail}`)
    .join('; ');
  return new ProblemError('validation-failed', detail, { errors });
}

/** Planned runs can be withdrawn only while the owner claims none of them. */
export function ownerHangs(): ProblemError {
  return new ProblemError(
    'owner-unavailable',
    "expected to hold the claims of the tenant's owner off for a moment, got no turn in 2 s: it is busy with the tenant's runs and other changes, or it hangs and is replaced within seconds",
    { headers: { 'retry-after': '2' } },
  );
}
