// What a caller of the API is told by errors: what is wrong, in the words of the replica, and what can be done about it.

export interface ProblemField {
  /** RFC 6901, into the body; or the name of a header or parameter. */
  readonly pointer: string;
  readonly detail: string;
}

const LATER = 'it may work later';
const TO_DO: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: 'check `key`: it is not known, or was revoked',
  FORBIDDEN: 'use a key of `tenant` whose role may do this',
  NOT_FOUND: 'check the name or id, and `tenant`: what a key may not see does not exist for it',
  INVALID_STATE: 'read what it is about, and act by its state',
  ALREADY_EXISTS:
    'use what is there (`problem.run` is the id of a run that holds a unique key), or another name',
  REQUEST_IN_PROGRESS: 'the first request with this idempotencyKey is still being answered: repeat it later',
  IDEMPOTENCY_KEY_REUSED: 'give each request an idempotencyKey of its own',
  VALIDATION_FAILED: 'mend what `errors` names',
  PAYLOAD_TOO_LARGE: 'keep the large part elsewhere, and send where it is',
  ETAG_MISMATCH: 'it was changed meanwhile: read it again, and repeat the change with its new revision',
  QUOTA_EXCEEDED: 'wait until less is under way, or let an administrator raise the limit in `problem.limit`',
  REPLICA_BUSY: LATER,
  OWNER_UNAVAILABLE: LATER,
  DATABASE_UNAVAILABLE: LATER,
  INTERNAL: "look for `requestId` in the replica's log",
};
/** Of what stands between, or in the place of a replica. */
const NO_PROBLEM = 'check `url`: this is no answer of a replica';

/** An answer other than success: a problem of RFC 9457. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  /** The kind of problem, such as `NOT_FOUND`; empty if the answer came from something else than a replica. */
  readonly code: string;
  /** What was expected, and what was got. */
  readonly detail: string;
  readonly errors: readonly ProblemField[];
  /** Finds the request in the replica's log; null if a replica did not answer. */
  readonly requestId: string | null;
  readonly whatToDo: string;
  /** The whole answer. */
  readonly problem: Readonly<Record<string, unknown>>;
  /** When the replica would like to be asked again. */
  readonly retryAfterSeconds: number;

  constructor(status: number, problem: Readonly<Record<string, unknown>>, retryAfterSeconds = 0) {
    const { code = '', detail, errors, requestId } = problem;
    const said = typeof detail === 'string' ? detail : `expected success, got ${status}`;
    const known = typeof code === 'string' ? code : '';
    const whatToDo = known === '' ? NO_PROBLEM : (TO_DO[known] ?? 'mend the request');
    super(`${said} (${[status, known].join(' ').trim()}); ${whatToDo}`);
    this.status = status;
    this.code = known;
    this.detail = said;
    this.errors = Array.isArray(errors) ? (errors as ProblemField[]) : []; // as the API describes it
    this.requestId = typeof requestId === 'string' ? requestId : null;
    this.whatToDo = whatToDo;
    this.problem = problem;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** The same request may succeed later, or at another replica. */
  get isTransient(): boolean {
    return this.status >= 500 ? this.code !== 'INTERNAL' : this.code === 'REQUEST_IN_PROGRESS';
  }
}

/** No replica answered, in as many tries and as much time as the call has. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  /** False when no replica can have read the request. */
  readonly mayHaveHappened: boolean;

  constructor(message: string, { mayHaveHappened, cause }: { mayHaveHappened: boolean; cause?: unknown }) {
    super(message, { cause });
    this.mayHaveHappened = mayHaveHappened;
  }
}
