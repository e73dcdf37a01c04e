// A client of the REST API, for applications that don't share a database with Carillon. It needs Node's own fetch and
// nothing else, and keeps to the replica that serves its tenant.
import { randomUUID } from 'node:crypto';
import type { EnqueueableJob } from '#client/jobs/enqueue-options.js';
import { parsePayload } from '#client/jobs/payload-check.js';
import { rest } from '#client/worker/worker-calls.js';
import { expectDefinition } from '#client/options/known-options.js';
import { expectCallOptions, idempotencyHeader, traceHeaders, type CallOptions } from './call-options.js';
import { ClientCalls, type ApiCall } from './client-calls.js';
import { checkedOptions, type ClientOptions } from './client-options.js';
import { runBody, type ClientEnqueueOptions } from './run-body.js';

/** A run, as the API shows it. */
export interface ClientRun {
  readonly id: string;
  readonly jobType: string;
  readonly state:
    | 'scheduled'
    | 'queued'
    | 'running'
    | 'retrying'
    | 'succeeded'
    | 'failed'
    | 'cancelled'
    | 'expired'
    | 'dead-lettered';
  /** What the handler returned; null if it returned nothing, or the run has not succeeded. */
  readonly output: unknown;
  /** Why the run has ended without success; null otherwise. */
  readonly error: { readonly name: string; readonly message: string } | null;
  readonly attempt: number;
  /** An instant; null until the run has ended. */
  readonly finishedAt: string | null;
  /** The other fields that the API describes. */
  readonly [field: string]: unknown;
}

export interface ResultOptions extends CallOptions {
  /** How many seconds to wait for the run to end, at most a day. Default: 0. */
  wait?: number;
}

/**
 * All calls reject with ApiProblem for a refusal, with NoAnswer when no replica answers, with the signal's reason, and
 * with TypeError for arguments that can't be right.
 */
export interface Client {
  /**
   * Creates a run; resolves with its id, or with that of the run that holds its unique key or waits under its debounce
   * key, which was not `created` then. Rejects with InvalidPayloadError for a payload that does not fit the job's schema.
   */
  enqueue<Input>(
    job: EnqueueableJob<Input>,
    payload: NoInfer<Input>,
    options?: ClientEnqueueOptions,
  ): Promise<{ id: string; created: boolean }>;
  /** Resolves with the run once it has ended, or as it is when the wait is over. */
  result(id: string, options?: ResultOptions): Promise<ClientRun>;
  /** Ends a run that waits, asks one that is running to stop, and resolves with it as it is then. */
  cancel(id: string, options?: CallOptions): Promise<ClientRun>;
  /** Runs an ended run again, with all its attempts. The call is not repeated: that could run it twice more. */
  retry(id: string, options?: CallOptions): Promise<ClientRun>;
}

const WAIT_SECONDS_MAX = 86_400;
/** One request waits no longer, so that no proxy between ends it. */
const REQUEST_WAITS_MS = 25_000;
const EARLY_REST_MS = 100;

/** Throws a TypeError for options that can't be right. It connects when it is first used, and need not be closed. */
export function createClient(options: ClientOptions): Client {
  const calls = new ClientCalls(checkedOptions(options));
  const act = async (verb: string, isRepeatable: boolean, id: string, given: CallOptions = {}) => {
    expectCallOptions(given);
    const headers = traceHeaders(given);
    const path = `${pathOf(id)}:${verb}`;
    return calls.call<ClientRun>({ method: 'POST', path, headers, isRepeatable, signal: given.signal });
  };
  return {
    enqueue: (job, payload, given = {}) => enqueue(calls, job, payload, given),
    result: (id, given = {}) => result(calls, id, given),
    cancel: (id, given) => act('cancel', true, id, given),
    retry: (id, given) => act('retry', false, id, given),
  };
}

async function enqueue<Input>(
  calls: ClientCalls,
  job: EnqueueableJob<Input>,
  payload: Input,
  options: ClientEnqueueOptions,
): Promise<{ id: string; created: boolean }> {
  expectDefinition(job);
  const body = runBody(job, payload, options);
  const { idempotencyKey = randomUUID(), signal } = options;
  const headers = { ...traceHeaders(options), ...idempotencyHeader(idempotencyKey) };
  await parsePayload(job, payload);
  const isRepeatable = idempotencyKey !== null;
  const call: ApiCall = { method: 'POST', path: 'runs', body, headers, isRepeatable, signal };
  const { id, deduplicated } = await calls.call<{ id: string; deduplicated: boolean }>(call);
  return { id, created: !deduplicated };
}

async function result(calls: ClientCalls, id: string, options: ResultOptions): Promise<ClientRun> {
  expectCallOptions(options, ['wait']);
  const { wait = 0, signal } = options;
  if (!(wait >= 0 && wait <= WAIT_SECONDS_MAX))
    throw new TypeError(`expected wait to be 0 to ${WAIT_SECONDS_MAX} seconds, got ${String(wait)}`);
  const path = pathOf(id);
  const headers = traceHeaders(options);
  const untilMs = performance.now() + wait * 1_000;
  for (;;) {
    const askedMs = performance.now();
    const waitMs = Math.min(Math.max(0, Math.ceil(untilMs - askedMs)), REQUEST_WAITS_MS);
    const asked = { method: 'GET', path: `${path}?wait=${waitMs / 1_000}`, waitMs } as const;
    const run = await calls.call<ClientRun>({ ...asked, headers, isRepeatable: true, signal });
    const nowMs = performance.now();
    if (run.finishedAt !== null || nowMs >= untilMs) return run;
    // A replica that leaves answers at once, and may be asked a few times more until it is gone.
    if (nowMs - askedMs < waitMs) await rest(Math.min(EARLY_REST_MS, untilMs - nowMs), signal);
  }
}

function pathOf(id: unknown): string {
  // One of dots alone would lead to the path above.
  if (typeof id === 'string' && !/^\.*$/.test(id)) return `runs/${encodeURIComponent(id)}`;
  throw new TypeError(
    `expected the id of a run, got ${typeof id === 'string' ? id || 'an empty text' : typeof id}`,
  );
}
