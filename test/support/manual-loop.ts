// How does a test hold a loop in its hands? Here the timers begin a pass and the test ends it, so that it decides
// how long a pass takes and how it goes. Time is vitest's: call vi.useFakeTimers() first.
import { vi } from 'vitest';
import type { Loop } from '#kernel/loop.js';

export class ManualLoop implements Loop {
  begun = 0;
  /** A pass began while another was under way. */
  overlapped = false;
  #pass: PromiseWithResolvers<number> | null = null;

  constructor(readonly name = 'claim') {}

  get isUnderWay(): boolean {
    return this.#pass !== null;
  }

  runOnce(): Promise<number> {
    // Not thrown: the timers would take it for a pass that failed.
    this.overlapped ||= this.isUnderWay;
    this.begun += 1;
    this.#pass = Promise.withResolvers();
    return this.#pass.promise;
  }

  async end(delayMs: number): Promise<void> {
    this.#over()?.resolve(delayMs);
    await settle();
  }

  async fail(error: unknown = new Error('Connection terminated unexpectedly')): Promise<void> {
    this.#over()?.reject(error);
    await settle();
  }

  #over(): PromiseWithResolvers<number> | null {
    const pass = this.#pass;
    this.#pass = null;
    return pass;
  }
}

/** Lets what has been resolved go on, without letting time pass. */
export const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
export const advance = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
