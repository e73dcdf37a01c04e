// The reason of an attempt that is stopped from outside, by its replica, its deadline or a request.

/** In the words in which it is told to the handler and kept with the attempt, wherever the run was. */
export const STOPPED_BECAUSE = {
  timeout: 'the attempt took longer than its timeout',
  deadline: "the run's deadline has passed",
} as const;

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
