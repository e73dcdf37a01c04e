// The request for a run, made from the options of `enqueue` and checked as they are in a caller's own transaction.
import type { RunOptions, UniqueOptions } from '#client/jobs/enqueue-options.js';
import { checkKeyOptions } from '#client/options/key-options-check.js';
import { expectKnownOptions } from '#client/options/known-options.js';
import { checkRunValues } from '#client/options/run-values.js';
import { expectCallOptions, type CallOptions } from './call-options.js';

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

const RUN_OPTIONS = [
  'runAt',
  'delaySeconds',
  'queue',
  'priority',
  'tags',
  'concurrencyKey',
  'overlap',
  'order',
  'deadline',
  'unique',
  'debounce',
];
const UNIQUE_OPTIONS = ['key', 'windowSeconds', 'onConflict'];

/** JSON. Throws a TypeError for what can't be right, or is no JSON. */
export function runBody(
  { name: jobType }: { name: string },
  payload: unknown,
  options: ClientEnqueueOptions,
): string {
  expectCallOptions(options, [...RUN_OPTIONS, 'idempotencyKey']);
  const { signal: _signal, traceparent: _parent, tracestate: _state, idempotencyKey: _key, ...run } = options;
  if (run.unique !== undefined) expectKnownOptions(run.unique, UNIQUE_OPTIONS, { prefix: 'unique.' });
  checkKeyOptions(run);
  checkRunValues(run);
  return JSON.stringify({ ...run, jobType, payload });
}
