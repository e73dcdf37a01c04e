// Waits for the result of a run, in requests that no proxy between ends.
import { rest } from '#client/worker/worker-calls.js';
import { ApiProblem } from '../api-problem.js';
import { expectCallOptions, traceHeaders, type CallOptions } from '../call-options.js';
import type { ClientCalls } from '../client-calls.js';
import { pathToRun } from './run-calls.js';
import type { ClientRun } from './run-shapes.js';

export interface ResultOptions extends CallOptions {
  /** How many seconds to wait for the run to end, at most a day. Default: 0. */
  wait?: number;
}

const WAIT_SECONDS_MAX = 86_400;
/** One request waits no longer, so that no proxy between ends it. */
const REQUEST_WAITS_MS = 25_000;
const EARLY_REST_MS = 100;
const TOO_MANY = 429;

export async function result<Output>(
  calls: ClientCalls,
  id: string,
  options: ResultOptions,
): Promise<ClientRun<Output>> {
  expectCallOptions(options, ['wait']);
  const { wait = 0, signal } = options;
  if (typeof wait !== 'number' || !(wait >= 0 && wait <= WAIT_SECONDS_MAX))
    throw new TypeError(`expected wait to be 0 to ${WAIT_SECONDS_MAX} seconds, got ${JSON.stringify(wait)}`);
  const path = pathToRun(id);
  const headers = traceHeaders(options);
  const untilMs = performance.now() + wait * 1_000;
  for (;;) {
    const askedMs = performance.now();
    const waitMs = Math.min(Math.max(0, Math.ceil(untilMs - askedMs)), REQUEST_WAITS_MS);
    const asked = { method: 'GET', path: `${path}?wait=${waitMs / 1_000}`, waitMs } as const;
    const run = await calls
      .call<ClientRun<Output>>({ ...asked, headers, isRepeatable: true, signal })
      .catch((error: unknown) => crowded(error, untilMs));
    const nowMs = performance.now();
    if (run instanceof ApiProblem) {
      await rest(Math.min(Math.max(1, run.retryAfterSeconds) * 1_000, untilMs - nowMs), signal);
      continue;
    }
    if (run.finishedAt !== null || nowMs >= untilMs) return run;
    // A replica that leaves answers at once, and may be asked a few times more until it is gone.
    if (nowMs - askedMs < waitMs) await rest(Math.min(EARLY_REST_MS, untilMs - nowMs), signal);
  }
}

/** The tenant has as many requests that wait as it may: others end, and this one is asked again until its time is up. */
function crowded(error: unknown, untilMs: number): ApiProblem {
  const isCrowded = error instanceof ApiProblem && error.status === TOO_MANY;
  if (isCrowded && performance.now() < untilMs) return error;
  throw error;
}
