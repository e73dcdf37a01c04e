// Which word ends a lease? What the handler has returned or thrown says it, as it does in a replica: an output
// completes the run, an error fails the attempt, and what `outcomes.ts` offers puts the run off, says when to come again,
// or ends it. The word is always one that the API takes: an output that can't be said fails the run for good, with the
// reason, because doing the work again would only bring the same output.
import { CancelRun, RetryAt, Snooze } from '#client/jobs/outcomes.js';
import { encodeOutput } from './sayable.js';
import { describeError, textOf, type ToldError } from '#client/jobs/thrown-error.js';

export interface LeaseWord {
  verb: 'complete' | 'fail' | 'snooze' | 'release' | 'cancel';
  body: object;
}

/** The API takes no longer ones. */
const PUT_OFF_SECONDS_MAX = 30 * 86_400;
const REASON_LENGTH_MAX = 2_000;

export function wordOfReturned(returned: unknown, now: Date): LeaseWord {
  if (returned instanceof Snooze) return wordOfThrown(returned, now);
  const output = encodeOutput(returned);
  return output.kind === 'encoded'
    ? { verb: 'complete', body: { output: output.value } }
    : misfit('UnfitOutput', output.reason);
}

/** An error named FatalError is not tried again; one with `retryAfterSeconds` not before that. */
export function wordOfThrown(thrown: unknown, now: Date): LeaseWord {
  const error = describeError(thrown);
  try {
    return steered(thrown, error, now);
  } catch {
    // A proxy or a getter that throws as soon as it is looked at.
    return { verb: 'fail', body: { error, retryable: true } };
  }
}

export function misfit(name: 'InvalidPayload' | 'InvalidOutput' | 'UnfitOutput', message: string): LeaseWord {
  return {
    verb: 'fail',
    body: { error: { name, message: textOf(message, REASON_LENGTH_MAX) }, retryable: false },
  };
}

/** What to say instead of a word that the API has refused; null when the refusal was not about what was said. */
export function wordInstead(
  { verb }: LeaseWord,
  refusal: { status: number; message: string },
): LeaseWord | null {
  if (![400, 413, 422].includes(refusal.status)) return null;
  const message = `the word "${verb}" was refused: ${refusal.message}`;
  return verb === 'complete'
    ? misfit('UnfitOutput', message)
    : { verb: 'fail', body: { error: { name: 'UnfitError', message: textOf(message, REASON_LENGTH_MAX) } } };
}

function steered(thrown: unknown, error: ToldError, now: Date): LeaseWord {
  if (thrown instanceof Snooze) return { verb: 'snooze', body: { seconds: bounded(thrown.seconds) } };
  if (thrown instanceof CancelRun) return { verb: 'cancel', body: { error } };
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
  if (thrown instanceof RetryAt) {
    const { when } = thrown;
    return when instanceof Date ? (when.getTime() - now.getTime()) / 1_000 : when;
  }
  const after = (thrown as { retryAfterSeconds?: unknown } | null | undefined)?.retryAfterSeconds;
  return typeof after === 'number' && !Number.isNaN(after) ? after : undefined;
}

function bounded(seconds: number): number {
  return Math.min(PUT_OFF_SECONDS_MAX, Math.max(0, seconds));
}
