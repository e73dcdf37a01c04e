// May this be logged again? A repeated message, of an endpoint that is down or a handler that fails, would fill the
// log: each key is due once in a span of time. The number of remembered keys is bounded; a forgotten one is due again.
import { Remembered } from './remembered.js';

export class Seldom {
  readonly #toldAtMs: Remembered<string, number>;

  constructor(private readonly bounds: { everyMs: number; keysMax: number }) {
    this.#toldAtMs = new Remembered({ max: bounds.keysMax });
  }

  /** True once for the key in each span: the call itself counts as the log line. */
  isDue(key: string, nowMs: number): boolean {
    const toldAtMs = this.#toldAtMs.get(key);
    if (toldAtMs !== undefined && nowMs - toldAtMs < this.bounds.everyMs) return false;
    // Deleted first, so that the key whose line is oldest is forgotten first.
    this.#toldAtMs.delete(key);
    this.#toldAtMs.set(key, nowMs);
    return true;
  }
}
