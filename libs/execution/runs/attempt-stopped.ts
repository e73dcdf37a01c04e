// The reason of an attempt that is stopped from outside, by its replica, its deadline or a request.

/** Why an attempt was stopped from outside; becomes `signal.reason`. */
export class AttemptStopped extends Error {
  override readonly name = 'AttemptStopped';

  constructor(
    readonly why: 'timeout' | 'heartbeat-missed' | 'deadline' | 'cancelled' | 'replica-fenced' | 'shutdown',
    message: string,
  ) {
    super(message);
  }
}
