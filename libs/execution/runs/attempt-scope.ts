// To which attempt does an uncaught error belong? All that a handler starts, timers and promises that it does not
// await, runs in the asynchronous context of its attempt, and Node calls the listeners for unhandled rejections and
// uncaught exceptions in that same context. So such an error fails the attempt that it came from, and only an error of
// no attempt is left to the process. Entering the context costs a run about 0.4 us of processor time.
import { AsyncLocalStorage } from 'node:async_hooks';

/** An attempt, to what goes wrong behind its back. */
export interface InScope {
  failBehind(error: unknown): void;
}

const scope = new AsyncLocalStorage<InScope>();

/** Calls `work`, and fails the attempt with every uncaught error of it, its timers and its promises. */
export function inAttempt<Given extends unknown[], Result>(
  attempt: InScope,
  work: (...given: Given) => Result,
  ...given: Given
): Result {
  return scope.run(attempt, work, ...given);
}

/** Fails the attempt in whose context this is called; false when it is called in none. */
export function failAttempt(error: unknown): boolean {
  const attempt = scope.getStore();
  attempt?.failBehind(error);
  return attempt !== undefined;
}

/**
 * Calls `work` in no attempt's context: its timers and promises are ours, even if a handler caused them. With
 * `scope.exit` it would be a context of its own, which each attempt that starts in it would have to copy.
 */
export const outsideAttempts: (work: () => void) => void = AsyncLocalStorage.snapshot();
