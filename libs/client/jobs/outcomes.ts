// What can a handler say besides "done" and "failed"? Each is a value to throw; `snooze` may be returned as
// well. Anything else that is thrown is a failure, tried again as the job's retry policy says.

/** Throw it to fail a run for good: trying again would be pointless. The run ends as `failed`. */
export class FatalError extends Error {
  override readonly name = 'FatalError';
}

/** Throw it to end the run as `cancelled`: nothing went wrong, but the work is not wanted any more. */
export class CancelRun extends Error {
  override readonly name = 'CancelRun';
}

/**
 * Throw it to fail the attempt and to say when the next one shall come, instead of the job's retry policy. Takes
 * an instant, or seconds from now; at most 30 days away. The last attempt that the policy allows is still the last.
 */
export class RetryAt extends Error {
  override readonly name = 'RetryAt';
  readonly when: Date | number;

  /** Throws RangeError for what is no instant, or not a number of seconds from 0 on. */
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

/** What `snooze` makes. */
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
 * Return or throw it to end the attempt and go on with another, `seconds` later and at most in 30 days: nothing
 * has failed, and no attempt of the retry policy is used up. Throws RangeError for what is no number from 0 on.
 */
export function snooze(seconds: number): Snooze {
  return new Snooze(seconds);
}

/** Thrown by `completeInTx` when another replica has the run by now: what was written in the transaction is undone. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
}

function isSeconds(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}
