// May this be told again? What repeats itself, an endpoint that is down or a handler that fails, would fill the log: each key is
// told once in a span of time. How many keys are remembered is bounded; one that was forgotten is told anew.
import { Remembered } from './remembered.js';

export class Seldom {
  readonly #toldAtMs: Remembered<string, number>;

  constructor(private readonly bounds: { everyMs: number; keysMax: number }) {
    this.#toldAtMs = new Remembered({ max: bounds.keysMax });
  }

  /** True once for the key in each span; asking is telling. */
  isDue(key: string, nowMs: number): boolean {
    const toldAtMs = this.#toldAtMs.get(key);
    if (toldAtMs !== undefined && nowMs - toldAtMs < this.bounds.everyMs) return false;
    // Anew, so that what was told longest ago is forgotten first.
    this.#toldAtMs.delete(key);
    this.#toldAtMs.set(key, nowMs);
    return true;
  }
}
