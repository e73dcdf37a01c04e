// Which word ends a lease? What the handler has returned or thrown says it, as it does in a replica: an output
// completes the run, an error fails the attempt, and what `outcomes.ts` offers puts the run off, says when to come again,
// or ends it.
import { CancelRun, RetryAt, Snooze } from './outcomes.js';

export interface LeaseWord {
  verb: 'complete' | 'fail' | 'snooze' | 'release' | 'cancel';
  body: object;
}

/** The API takes no longer ones. */
const PUT_OFF_SECONDS_MAX = 30 * 86_400;

export function wordOfReturned(returned: unknown, now: Date): LeaseWord {
  return returned instanceof Snooze
    ? wordOfThrown(returned, now)
    : { verb: 'complete', body: { output: returned ?? null } };
}

/** An error named FatalError is not tried again; one with `retryAfterSeconds` not before that. */
export function wordOfThrown(thrown: unknown, now: Date): LeaseWord {
  if (thrown instanceof Snooze) return { verb: 'snooze', body: { seconds: bounded(thrown.seconds) } };
  const error = describe(thrown);
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

export function misfit(name: 'InvalidPayload' | 'InvalidOutput', message: string): LeaseWord {
  return { verb: 'fail', body: { error: { name, message: message.slice(0, 2_000) }, retryable: false } };
}

function retryAfterSeconds(thrown: unknown, now: Date): number | undefined {
  if (thrown instanceof RetryAt) {
    const { when } = thrown;
    return when instanceof Date ? (when.getTime() - now.getTime()) / 1_000 : when;
  }
  const after = (thrown as { retryAfterSeconds?: unknown } | null | undefined)?.retryAfterSeconds;
  return typeof after === 'number' && !Number.isNaN(after) ? after : undefined;
}

function describe(thrown: unknown): { name: string; message: string; stack?: string } {
  const error =
    thrown instanceof Error ? thrown : new Error(`expected an Error to be thrown, got ${show(thrown)}`);
  const { name, message, stack } = error;
  return {
    name: name.slice(0, 200) || 'Error',
    message: message.slice(0, 2_000),
    ...(stack === undefined ? {} : { stack: stack.slice(0, 4_000) }),
  };
}

function show(thrown: unknown): string {
  try {
    const text = String(thrown);
    return text === '[object Object]' ? JSON.stringify(thrown) : text;
  } catch {
    return typeof thrown;
  }
}

function bounded(seconds: number): number {
  return Math.min(PUT_OFF_SECONDS_MAX, Math.max(0, seconds));
}
