// The outcomes of a handler besides success and failure. Each is a value to throw; `snooze` may be returned as well.
// Any other thrown value is a failure, retried by the job's retry policy.
//
// An application may load this file twice, by `import` and by `require`, or from two versions of the package. So an
// outcome is known by a mark that all copies share, and not by its class. The mark is on the prototypes, where no
// console shows it and no declaration file makes the classes of two copies differ.
const OUTCOME = Symbol.for('carillon.outcome');

/** Throw it to fail a run for good, when another attempt would be pointless. The run ends as `failed`. */
export class FatalError extends Error {
  static {
    mark(this, 'FatalError');
  }

  override readonly name = 'FatalError';
}

/** Throw it to end the run as `cancelled`: nothing went wrong, but the work is no longer wanted. */
export class CancelRun extends Error {
  static {
    mark(this, 'CancelRun');
  }

  override readonly name = 'CancelRun';
}

/**
 * Throw it to fail the attempt and to set the time of the next one, instead of the job's retry policy. Takes an
 * instant, or seconds from now; at most 30 days away. The last attempt that the policy allows is still the last.
 */
export class RetryAt extends Error {
  static {
    mark(this, 'RetryAt');
  }

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
  static {
    mark(this, 'Snooze');
  }

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

interface Outcomes {
  FatalError: FatalError;
  CancelRun: CancelRun;
  RetryAt: RetryAt;
  Snooze: Snooze;
}

/** True for instances of the class or a subclass, from any copy of this package. Never throws, for any value. */
export function isOutcome<Name extends keyof Outcomes>(value: unknown, name: Name): value is Outcomes[Name] {
  try {
    return typeof value === 'object' && value !== null && Reflect.get(value, OUTCOME) === name;
  } catch {
    return false; // a proxy that throws when it is read
  }
}

function mark({ prototype }: { prototype: Error }, name: keyof Outcomes): void {
  Object.defineProperty(prototype, OUTCOME, { value: name });
}

function isSeconds(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}
