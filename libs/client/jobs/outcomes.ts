// The outcomes of a handler besides success and failure. Each is a value to throw; `snooze` may be returned as well.
// Any other thrown value is a failure, retried by the job's retry policy.

/** Throw it to fail a run for good, when another attempt would be pointless. The run ends as `failed`. */
export class FatalError extends Error {
  override readonly name = 'FatalError';
}

/** Throw it to end the run as `cancelled`: nothing went wrong, but the work is no longer wanted. */
export class CancelRun extends Error {
  override readonly name = 'CancelRun';
}

/**
 * Throw it to fail the attempt and to set the time of the next one, instead of the job's retry policy. Takes an
 * instant, or seconds from now; at most 30 days away. The last attempt that the policy allows is still the last.
 */
export class RetryAt extends Error {
  override readonly name = 'RetryAt';
  readonly when: Date | number;

  /** Throws RangeError for an invalid Date, or for seconds below 0. */
  constructor(
    when: Date | number,
    message = 'the handler asked for another attempt',
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.when = when;
    if (when instanceof Date ? Number.isNaN(when.getTime()) : !isSeconds(when))
      throw new RangeError(`expected a valid Date, or seconds from 0 on, got ${String(when)}`);
  }
}

/** The value that `snooze` returns. */
export class Snooze extends Error {
  override readonly name = 'Snooze';
  readonly seconds: number;

  constructor(seconds: number) {
    super(`snoozed for ${seconds} seconds`);
    this.seconds = seconds;
    if (!isSeconds(seconds)) throw new RangeError(`expected seconds from 0 on, got ${String(seconds)}`);
  }
}

/**
 * Return or throw it to end the attempt and start another `seconds` later, at most in 30 days. Nothing has failed,
 * and no attempt of the retry policy is used up. Throws RangeError for a number below 0.
 */
export function snooze(seconds: number): Snooze {
  return new Snooze(seconds);
}

/** Thrown by `completeInTx` when another replica has the run by now: its transaction is rolled back. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
}

function isSeconds(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}
