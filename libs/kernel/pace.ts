// When is it time again for what a loop does at most so often? A loop is woken whenever there may be something to do, so it
// keeps its own measure. What was never done is due at once.

export class Pace {
  #doneAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly everyMs: number) {}

  /** Milliseconds until it is due; nothing or less when it is. */
  dueInMs(nowMs: number): number {
    return this.#doneAtMs + this.everyMs - nowMs;
  }

  done(nowMs: number): void {
    this.#doneAtMs = nowMs;
  }

  /** It is due at once, however lately it was done. */
  hurry(): void {
    this.#doneAtMs = Number.NEGATIVE_INFINITY;
  }
}
