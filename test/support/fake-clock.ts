// How does time pass in a test? Only by hand. The monotonic and the wall clock move together unless a test
// steps the wall clock, which is what happens to a machine that loses its time server.
import type { Clock } from '#kernel/clock.js';

/** Any instant would do; a fixed one makes failures readable. */
const STARTED_AT = Date.parse('2026-11-21T08:00:00.000Z');

export class FakeClock implements Clock {
  // Not 0: code that takes "never" for 0 must not get away with it.
  #monotonicMs = 1_000_000;
  #wallMs = STARTED_AT;

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  now(): Date {
    return new Date(this.#wallMs);
  }

  /** Lets time pass, on both clocks. */
  advance(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }

  /** Sets the wall clock forward, or with a negative number back. */
  stepWall(ms: number): void {
    this.#wallMs += ms;
  }
}
