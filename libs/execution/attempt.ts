// How does one attempt go? Its target is called with a signal, and whatever happens becomes a value. The
// attempt ends when the signal says so, even if the handler does not listen: what it returns later has
// nobody left to tell.
import type { JobContext } from '#client/job-definition.js';
import type { ClaimedRun } from './claimed-run.js';
import type { AttemptError, AttemptResult } from './decisions/run-transition.js';
import { jobContextOf } from './job-context.js';

/** Why an attempt was stopped from outside; becomes `signal.reason`. */
export class AttemptStopped extends Error {
  override readonly name = 'AttemptStopped';

  constructor(
    readonly why: 'timeout' | 'replica-fenced' | 'shutdown',
    message: string,
  ) {
    super(message);
  }
}

/** Throw it to fail a run for good: trying again would be pointless. */
export class FatalError extends Error {
  override readonly name = 'FatalError';
}

export type CallTarget = (run: ClaimedRun, context: JobContext) => Promise<AttemptResult>;

export async function attemptRun(
  run: ClaimedRun,
  call: CallTarget,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const context = jobContextOf(run, signal);
  // An abort that has happened is not told again.
  if (signal.aborted) return isOurDoing(signal.reason) ? { kind: 'released' } : failedResult(signal.reason);
  let stopListening = (): void => undefined;
  const stopped = new Promise<AttemptResult>((resolve) => {
    const stop = (): void => resolve(stoppedResult(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
    stopListening = () => signal.removeEventListener('abort', stop);
  });
  try {
    return await Promise.race([call(run, context).catch(failedResult), stopped]);
  } finally {
    stopListening();
  }
}

/** Anything can be thrown in JavaScript; all of it becomes an error with a name and a message. */
export function failedResult(thrown: unknown): AttemptResult {
  return { kind: 'failed', error: describeError(thrown), fatal: thrown instanceof FatalError };
}

const NAME_LENGTH_MAX = 200;
const STACK_LENGTH_MAX = 4_000;
const MESSAGE_LENGTH_MAX = 2_000;

export function describeError(thrown: unknown): AttemptError {
  try {
    return readError(thrown);
  } catch {
    return {
      name: 'UnreadableError',
      message: 'expected an error that can be read, got one that throws when it is',
    };
  }
}

function readError(thrown: unknown): AttemptError {
  if (!(thrown instanceof Error)) {
    return {
      name: 'NonError',
      message: textOf(`expected an Error to be thrown, got ${showThrown(thrown)}`, MESSAGE_LENGTH_MAX),
    };
  }
  const { name, message, stack } = thrown;
  return {
    name: textOf(name, NAME_LENGTH_MAX),
    message: textOf(message, MESSAGE_LENGTH_MAX),
    ...(stack === undefined ? {} : { stack: textOf(stack, STACK_LENGTH_MAX) }),
  };
}

/** Whatever stands where a text should be, as text that can be stored. */
function textOf(value: unknown, lengthMax: number): string {
  const text = typeof value === 'string' ? value : showThrown(value);
  return text.slice(0, lengthMax).toWellFormed().replaceAll('\0', '\uFFFD');
}

function showThrown(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `an ${typeof thrown} that can not be shown`;
  }
}

function stoppedResult(reason: unknown): AttemptResult {
  return isOurDoing(reason) ? { kind: 'stopped', error: describeError(reason) } : failedResult(reason);
}

function isOurDoing(reason: unknown): boolean {
  return reason instanceof AttemptStopped && reason.why !== 'timeout';
}
