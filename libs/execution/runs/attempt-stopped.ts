// The reason of an attempt that its replica, its deadline or a request has stopped.

/** The words for the handler and for the stored attempt, wherever the run was. */
export const STOPPED_BECAUSE = {
  timeout: 'the attempt took longer than its timeout',
  deadline: "the run's deadline has passed",
  replaced: 'a later run of its schedule takes its place',
} as const;

/**
 * Why an attempt was stopped; becomes `signal.reason`. The replica was fenced when it was declared dead, and is unsure
 * while it can't tell.
 */
export class AttemptStopped extends Error {
  override readonly name = 'AttemptStopped';

  constructor(
    readonly why:
      | 'timeout'
      | 'heartbeat-missed'
      | 'deadline'
      | 'cancelled'
      | 'replaced'
      | 'replica-fenced'
      | 'replica-unsure'
      | 'shutdown',
    message: string,
  ) {
    super(message);
  }
}
