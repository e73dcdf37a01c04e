// Tries a handler once, in a test, without a replica or a database: its payload comes as JSON through the job's schema, its
// output goes the way back, and what it throws is judged by the job's retry policy, all as in a replica.
import type { ExportedHandler } from '#client/jobs/handler.js';
import type { RetryOptions } from '#client/jobs/job-definition.js';
import type { ToldError } from '#client/jobs/thrown-error.js';
import { expectDefinition, expectFunction, expectKnownOptions } from '#client/options/known-options.js';
import { callOfReturned, type EndCall } from '#client/worker/end-call.js';
import { endCallOf, Stopped } from '#client/worker/handled.js';
import type { RemoteContext, RemoteHandler } from '#client/worker/remote-handler.js';
import { DEFAULT_RETRY, retryDelayMs } from '#kernel/backoff.js';
import { asJson, Recorder, requirePayload, type GivenContext } from './recorded-context.js';

/** What `handler` or `remoteHandler` returns. */
export type TriedHandler = Pick<ExportedHandler, 'definition'> & {
  readonly handle: (job: { payload: unknown }, context: never) => unknown;
  readonly thread?: boolean;
};

export interface EndedAttempt extends Pick<Recorder, 'logs' | 'progress' | 'enqueued'> {
  /**
   * What becomes of the run: with `retried` and `snoozed` another attempt follows; `failed` is for good, and
   * `dead-lettered` are those whose attempts are used up.
   */
  readonly outcome: 'succeeded' | 'failed' | 'retried' | 'dead-lettered' | 'snoozed' | 'cancelled';
  /** As it would be stored; null unless it has succeeded. */
  readonly output: unknown;
  readonly error: ToldError | null;
  /** How long after this attempt the next one starts, before `jitter` is subtracted; null if there is none. */
  readonly nextInSeconds: number | null;
  /** What the next attempt gets as `lastDetails`. */
  readonly details: unknown;
}

const GIVEN = [
  'tenant',
  'runId',
  'attempt',
  'dueAt',
  'lastDetails',
  'locks',
  'fencingToken',
  'previousFire',
  'signal',
  'transaction',
];
const DEFAULT_TIMEOUT_SECONDS = 60;

/**
 * Resolves with what becomes of the attempt, however the handler ends. Rejects with InvalidPayloadError for a payload that
 * no run could be created with. Throws TypeError for what is no handler, and for an unknown option. An attempt that takes
 * longer than its job's `timeoutSeconds` is stopped, by the timers of JavaScript, which a test may fake.
 */
export async function attempt(
  tried: TriedHandler,
  payload: unknown,
  given: GivenContext = {},
): Promise<EndedAttempt> {
  const { definition, handle, thread = false } = expectHandler(tried);
  expectKnownOptions(given, GIVEN);
  const { attempt: number = 1 } = given;
  if (!Number.isInteger(number) || number < 1)
    throw new TypeError(`expected attempt to be a whole number from 1 on, got ${String(number)}`);
  await requirePayload(definition, payload);
  const recorder = new Recorder();
  const stop = new AbortController();
  const where = 'kind' in tried ? (thread ? 'thread' : 'replica') : 'worker';
  const context = recorder.contextOf(given, { signal: stop.signal, where });
  const { name: job, payload: input, output } = definition;
  const now = (): Date => new Date();
  const { signal } = stop;
  // Each kind of handler gets the context of its kind.
  const handled = { job, payload: asJson(payload), context: context as RemoteContext, signal, now };
  const free = stopBy(stop, { given, timeoutSeconds: definition.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS });
  const end = await endCallOf({ payload: input, output, handle: handle as RemoteHandler['handle'] }, handled);
  free();
  const { logs, progress, enqueued, details, completed } = recorder;
  const judged = judge(completed === null ? end : callOfReturned(completed.output, now()), {
    retry: definition.retry,
    attempt: number,
    // The commit has ended the run before.
    isCancelled: isAborted(given.signal) && completed === null,
  });
  return { ...judged, logs, progress, enqueued, details };
}

/** Returns what lets go of both. */
function stopBy(
  stop: AbortController,
  { given, timeoutSeconds }: { given: GivenContext; timeoutSeconds: number },
): () => void {
  const cancel = (): void => stop.abort(new Stopped('cancelled', 'the run was cancelled'));
  const timeout = setTimeout(
    () => stop.abort(new Stopped('timeout', 'the attempt took longer than its timeout')),
    timeoutSeconds * 1_000,
  );
  if (isAborted(given.signal)) cancel();
  given.signal?.addEventListener('abort', cancel);
  return () => {
    clearTimeout(timeout);
    given.signal?.removeEventListener('abort', cancel);
  };
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

type Judged = Pick<EndedAttempt, 'outcome' | 'output' | 'error' | 'nextInSeconds'>;

function judge(
  end: EndCall | null,
  {
    retry,
    attempt: number,
    isCancelled,
  }: { retry: RetryOptions | undefined; attempt: number; isCancelled: boolean },
): Judged {
  const none = { output: null, error: null, nextInSeconds: null };
  if (end === null || isCancelled) return { ...none, outcome: 'cancelled' };
  switch (end.verb) {
    case 'complete':
      return { ...none, outcome: 'succeeded', output: end.body.output };
    case 'snooze':
      return { ...none, outcome: 'snoozed', nextInSeconds: end.body.seconds };
    case 'release':
      return { ...none, outcome: 'retried', nextInSeconds: 0 };
    case 'cancel':
      return { ...none, outcome: 'cancelled', error: end.body.error };
    case 'fail':
      return { ...none, ...judgeFailure(end.body, retry, number) };
  }
}

function judgeFailure(
  { error, retryable = true, retryAfterSeconds }: Extract<EndCall, { verb: 'fail' }>['body'],
  retry: RetryOptions = {},
  number: number,
): Pick<Judged, 'outcome' | 'error'> & Partial<Judged> {
  if (!retryable) return { outcome: 'failed', error };
  if (number >= (retry.maxAttempts ?? DEFAULT_RETRY.maxAttempts)) return { outcome: 'dead-lettered', error };
  const policy = {
    kind: retry.backoff ?? DEFAULT_RETRY.kind,
    minMs: (retry.minSeconds ?? DEFAULT_RETRY.minMs / 1_000) * 1_000,
    maxMs: (retry.maxSeconds ?? DEFAULT_RETRY.maxMs / 1_000) * 1_000,
    jitter: 0,
  };
  const delayMs = retryDelayMs({ policy, failures: number, random: () => 0 });
  return { outcome: 'retried', error, nextInSeconds: retryAfterSeconds ?? delayMs / 1_000 };
}

function expectHandler(tried: TriedHandler): TriedHandler {
  const { definition, handle } = (tried ?? {}) as Partial<TriedHandler>;
  if (definition === undefined)
    throw new TypeError('expected what handler(…) or remoteHandler(…) returns, got something else');
  expectDefinition(definition);
  expectFunction(`the handler of ${definition.name}`, handle);
  return tried;
}
