// The call that ends a lease, made from the handler's result as in a replica. An output completes the run, an error
// fails the attempt, and the values of `outcomes.ts` snooze it, set the time of the next attempt, or cancel the run.
// The API accepts every body made here. An output that JSON can't express fails the run for good, with the reason,
// because repeating the work would produce the same output.
import { isOutcome } from '#client/jobs/outcomes.js';
import { encodeOutput } from './accepted-json.js';
import { describeError, textOf, type ToldError } from '#client/jobs/thrown-error.js';

export type EndCall =
  | { verb: 'complete'; body: { output: unknown } }
  | { verb: 'fail'; body: { error: ToldError; retryable?: boolean; retryAfterSeconds?: number } }
  | { verb: 'snooze'; body: { seconds: number } }
  | { verb: 'release'; body: object }
  | { verb: 'cancel'; body: { error: ToldError } };

/** The API's bounds. */
const PUT_OFF_SECONDS_MAX = 30 * 86_400;
const REASON_LENGTH_MAX = 2_000;

export function callOfReturned(returned: unknown, now: Date): EndCall {
  if (isOutcome(returned, 'Snooze')) return callOfThrown(returned, now);
  const output = encodeOutput(returned);
  return output.kind === 'encoded'
    ? { verb: 'complete', body: { output: output.value } }
    : misfit('UnfitOutput', output.reason);
}

/** An error named FatalError is not retried; one with `retryAfterSeconds` is retried no sooner. */
export function callOfThrown(thrown: unknown, now: Date): EndCall {
  const error = describeError(thrown);
  try {
    return steered(thrown, error, now);
  } catch {
    // A proxy or a getter that throws when it is read.
    return { verb: 'fail', body: { error, retryable: true } };
  }
}

export function misfit(name: 'InvalidPayload' | 'InvalidOutput' | 'UnfitOutput', message: string): EndCall {
  return {
    verb: 'fail',
    body: { error: { name, message: textOf(message, REASON_LENGTH_MAX) }, retryable: false },
  };
}

/** The call to make after the API has refused one; null when the refusal was not about its body. */
export function callInstead({ verb }: EndCall, refusal: { status: number; message: string }): EndCall | null {
  if (![400, 413, 422].includes(refusal.status)) return null;
  const message = `"${verb}" was refused: ${refusal.message}`;
  return verb === 'complete'
    ? misfit('UnfitOutput', message)
    : { verb: 'fail', body: { error: { name: 'UnfitError', message: textOf(message, REASON_LENGTH_MAX) } } };
}

function steered(thrown: unknown, error: ToldError, now: Date): EndCall {
  if (isOutcome(thrown, 'Snooze')) return { verb: 'snooze', body: { seconds: bounded(thrown.seconds) } };
  if (isOutcome(thrown, 'CancelRun')) return { verb: 'cancel', body: { error } };
  const seconds = retryAfterSeconds(thrown, now);
  return {
    verb: 'fail',
    body: {
      error,
      retryable: error.name !== 'FatalError',
      ...(seconds === undefined ? {} : { retryAfterSeconds: bounded(seconds) }),
    },
  };
}

function retryAfterSeconds(thrown: unknown, now: Date): number | undefined {
  if (isOutcome(thrown, 'RetryAt')) {
    const { when } = thrown;
    return when instanceof Date ? (when.getTime() - now.getTime()) / 1_000 : when;
  }
  const after = (thrown as { retryAfterSeconds?: unknown } | null | undefined)?.retryAfterSeconds;
  return typeof after === 'number' && !Number.isNaN(after) ? after : undefined;
}

function bounded(seconds: number): number {
  return Math.min(PUT_OFF_SECONDS_MAX, Math.max(0, seconds));
}
