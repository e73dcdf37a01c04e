// Measures when an act of a loop is due again that it does at most so often. The loop may be woken at any time, so it
// keeps its own measure. An act that was never done is due at once.

export class Pace {
  #doneAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly everyMs: number) {}

  /** Milliseconds until it is due; zero or less when it is. */
  dueInMs(nowMs: number): number {
    return this.#doneAtMs + this.everyMs - nowMs;
  }

  done(nowMs: number): void {
    this.#doneAtMs = nowMs;
  }

  /** Makes it due at once, however lately it was done. */
  hurry(): void {
    this.#doneAtMs = Number.NEGATIVE_INFINITY;
  }
}
