// What has become of an attempt, by what its handler returned or threw, and by why it was stopped.
import { isOutcome } from '#client/jobs/outcomes.js';
import { describeAttemptFailure } from '#execution/runs/attempt-failure.js';
import { AttemptStopped } from '#execution/runs/attempt-stopped.js';
import type { AttemptResult } from '#execution/runs/decisions/run-transition.js';

/**
 * A cancel or a deadline overrides the handler's result. Otherwise success and fatal errors stand; any other failure
 * counts as the stop.
 */
export function resultAfterStop(result: AttemptResult, reason: unknown): AttemptResult {
  const stopped = stoppedResult(reason);
  if (stopped.kind === 'cancelled' || stopped.kind === 'expired') return stopped;
  return result.kind === 'failed' && !result.fatal ? stopped : result;
}

export function stoppedResult(reason: unknown): AttemptResult {
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
export function isSteering(thrown: unknown): boolean {
  if (thrown instanceof AttemptStopped) return true;
  return (['Snooze', 'CancelRun', 'RetryAt', 'FatalError'] as const).some((name) => isOutcome(thrown, name));
}

/** JavaScript can throw any value; each becomes a result, if need be an error with a name and a message. */
export function failedResult(thrown: unknown, now: Date): AttemptResult {
  if (isOutcome(thrown, 'Snooze')) return { kind: 'snoozed', delayMs: thrown.seconds * 1_000 };
  const error = describeAttemptFailure(thrown);
  if (isOutcome(thrown, 'CancelRun')) return { kind: 'cancelled', error };
  if (!isOutcome(thrown, 'RetryAt')) return { kind: 'failed', error, fatal: isOutcome(thrown, 'FatalError') };
  const { when } = thrown;
  const retryAfterMs = when instanceof Date ? when.getTime() - now.getTime() : when * 1_000;
  return { kind: 'failed', error, fatal: false, retryAfterMs };
}
