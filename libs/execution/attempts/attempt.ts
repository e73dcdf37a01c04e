// One attempt, from the call of its target to its result. The target is called with a signal, and each way in which it
// ends becomes a value. A handler that is stopped has a grace time; if it does not stop in time, the attempt is given
// up: it ends without the handler, whose late result is reported and changes nothing.
import { CancelRun, FatalError, RetryAt, Snooze } from '#client/jobs/outcomes.js';
import { describeAttemptFailure } from '#execution/runs/attempt-failure.js';
import { inAttempt } from '#execution/runs/attempt-scope.js';
import { AttemptStopped } from '#execution/runs/attempt-stopped.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { AttemptResult } from '#execution/runs/decisions/run-transition.js';
import { AttemptContext, type GivenToAttempt } from '#execution/targets/job-context.js';
import type { CallTarget } from '#execution/targets/targets.js';

export interface Attempt extends GivenToAttempt {
  run: ClaimedRun;
  call: CallTarget;
  /** Stops the handler. */
  stop: AbortController;
  /** The time in the database. */
  now: () => Date;
  /** Called with a result that comes after the attempt was over. */
  onLate: (result: AttemptResult) => void;
  /** Called with a thrown failure, which the result shows in part only. */
  onThrown: (error: unknown) => void;
}

/**
 * Calls `onEnd` once with the attempt's result, perhaps at once. With a callback: one more promise costs 0.1 µs a run.
 * Returns the function that gives the attempt up, which ends it without its handler; only after `stop`.
 */
export function attemptRun(attempt: Attempt, onEnd: (result: AttemptResult) => void): () => void {
  const { run, call, stop, now, onLate, onThrown } = attempt;
  const { signal } = stop;
  // A listener that is added after the abort is never called.
  if (signal.aborted) {
    onEnd(stoppedResult(signal.reason));
    return () => undefined;
  }
  const context = new AttemptContext(run, signal, attempt);
  let isOver = false;
  const end = (result: AttemptResult | null): void => {
    if (isOver) {
      if (result !== null) onLate(result);
      return;
    }
    isOver = true;
    if (AttemptContext.isCompleted(context)) onEnd({ kind: 'completed' });
    else if (result === null) onEnd(stoppedResult(signal.reason));
    else onEnd(signal.aborted ? resultAfterStop(result, signal.reason) : result);
  };
  const fail = (error: unknown): void => {
    if (!isSteering(error)) onThrown(error);
    end(failedResult(error, now()));
  };
  // A promise or timer that the handler did not await has failed. The handler may still be running, so it is stopped.
  const failBehind = (error: unknown): void => {
    fail(error);
    stop.abort(error);
  };
  try {
    inAttempt(failBehind, call, run, context).then(end, fail);
  } catch (error) {
    fail(error);
  }
  return () => end(null);
}

/**
 * A cancel or a deadline overrides the handler's result. Otherwise success and fatal errors stand; any other failure
 * counts as the stop.
 */
function resultAfterStop(result: AttemptResult, reason: unknown): AttemptResult {
  const stopped = stoppedResult(reason);
  if (stopped.kind === 'cancelled' || stopped.kind === 'expired') return stopped;
  return result.kind === 'failed' && !result.fatal ? stopped : result;
}

function stoppedResult(reason: unknown): AttemptResult {
  const error = describeAttemptFailure(reason);
  if (!(reason instanceof AttemptStopped)) return { kind: 'failed', error, fatal: false };
  switch (reason.why) {
    case 'timeout':
    case 'heartbeat-missed':
      return { kind: 'timed-out', error };
    case 'deadline':
      return { kind: 'expired', error };
    case 'cancelled':
      return { kind: 'cancelled', error: null };
    case 'replaced':
      return { kind: 'cancelled', error };
    case 'replica-fenced':
    case 'replica-unsure':
    case 'shutdown':
      return { kind: 'lost', error };
  }
}

/** Thrown on purpose to steer the attempt, or the stop itself: its stack is of no interest. */
function isSteering(thrown: unknown): boolean {
  return [Snooze, CancelRun, RetryAt, FatalError, AttemptStopped].some((word) => thrown instanceof word);
}

/** JavaScript can throw any value; each becomes a result, if need be an error with a name and a message. */
export function failedResult(thrown: unknown, now: Date): AttemptResult {
  if (thrown instanceof Snooze) return { kind: 'snoozed', delayMs: thrown.seconds * 1_000 };
  const error = describeAttemptFailure(thrown);
  if (thrown instanceof CancelRun) return { kind: 'cancelled', error };
  if (!(thrown instanceof RetryAt)) return { kind: 'failed', error, fatal: thrown instanceof FatalError };
  const { when } = thrown;
  const retryAfterMs = when instanceof Date ? when.getTime() - now.getTime() : when * 1_000;
  return { kind: 'failed', error, fatal: false, retryAfterMs };
}
