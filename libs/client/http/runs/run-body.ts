// The requests for runs, made from the options of `enqueue` and checked as they are in a caller's own transaction.
import type { RunOptions, UniqueOptions } from '#client/jobs/enqueue-options.js';
import { checkKeyOptions } from '#client/options/key-options-check.js';
import { expectKnownOptions } from '#client/options/known-options.js';
import { checkRunValues, expectRunOptions, RUN_OPTIONS } from '#client/options/run-values.js';
import { expectCallOptions, type CallOptions, type KeyedOptions } from '../call-options.js';

export interface ClientRunOptions extends Omit<RunOptions, 'unique'> {
  /** The run starts no sooner than so long from now. Excludes `runAt`. */
  delaySeconds?: number;
  /** `onConflict: 'replace'` gives the waiting run that holds the key the values of this call. */
  unique?: Omit<UniqueOptions, 'onConflict'> & { onConflict?: UniqueOptions['onConflict'] | 'replace' };
}

export interface ClientEnqueueOptions extends ClientRunOptions, CallOptions {
  /**
   * Calls with one key are one call, for 24 hours. Default: a new one for each call, so that it is repeated where an answer
   * is missing and still makes one run. With null the call has none: the owner claims the run as it is inserted, which
   * is faster, and a call whose answer is lost rejects with NoAnswer instead of being repeated.
   */
  idempotencyKey?: string | null;
}

/** One of many runs. */
export interface ClientBulkRun<Input> extends ClientRunOptions {
  payload: Input;
}

export interface EnqueueAllOptions extends KeyedOptions {
  /**
   * `all-or-nothing`, the default, creates all runs, or rejects with ApiProblem and creates none. With `per-item` one run
   * that is refused does not keep the others from being created.
   */
  mode?: 'all-or-nothing' | 'per-item';
}

const UNIQUE_OPTIONS = ['key', 'windowSeconds', 'onConflict'];
const MODES: readonly unknown[] = ['all-or-nothing', 'per-item'];
/** As the API has them. */
const RUNS_MAX = 10_000;
const BYTES_MAX = 16 * 1024 * 1024;

/** JSON. Throws a TypeError for what can't be right, or is no JSON. */
export function runBody(
  { name: jobType }: { name: string },
  payload: unknown,
  options: ClientEnqueueOptions,
): string {
  expectCallOptions(options, [...RUN_OPTIONS, 'delaySeconds', 'idempotencyKey']);
  const { signal: _signal, traceparent: _parent, tracestate: _state, idempotencyKey: _key, ...run } = options;
  checkRun(run);
  return JSON.stringify({ ...run, jobType, payload });
}

/** The same of many runs. */
export function runsBody(
  { name: jobType }: { name: string },
  runs: readonly ClientBulkRun<unknown>[],
  options: EnqueueAllOptions,
): string {
  expectCallOptions(options, ['mode', 'idempotencyKey']);
  const { mode = 'all-or-nothing' } = options;
  if (!MODES.includes(mode))
    throw new TypeError(`expected mode to be one of ${MODES.join(', ')}, got ${JSON.stringify(mode)}`);
  if (!Array.isArray(runs) || runs.length > RUNS_MAX) {
    const got = Array.isArray(runs) ? `${runs.length}: make several calls` : typeof runs;
    throw new TypeError(`expected runs to be a list of at most ${RUNS_MAX}, got ${got}`);
  }
  const wanted = runs.map((run: unknown, index) => {
    if (typeof run !== 'object' || run === null)
      throw new TypeError(`expected runs[${index}] to be an object with a payload, got ${typeof run}`);
    const { payload, ...rest } = run as ClientBulkRun<unknown>;
    const place = `runs[${index}].`;
    expectRunOptions(rest, { more: ['delaySeconds'], prefix: place });
    checkRun(rest, place);
    return { ...rest, jobType, payload };
  });
  const body = JSON.stringify({ mode, runs: wanted });
  const bytes = Buffer.byteLength(body);
  // A replica refuses it while it is being sent, which looks like a connection that broke.
  if (bytes <= BYTES_MAX) return body;
  throw new TypeError(
    `expected runs to be at most ${BYTES_MAX} bytes of JSON, got ${bytes}: make several calls`,
  );
}

function checkRun(run: ClientRunOptions, place = ''): void {
  if (run.unique !== undefined) expectKnownOptions(run.unique, UNIQUE_OPTIONS, { prefix: `${place}unique.` });
  checkKeyOptions(run, place);
  checkRunValues(run, place);
}
