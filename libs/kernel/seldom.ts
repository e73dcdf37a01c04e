// May this be told again? What repeats itself, an endpoint that is down or a handler that fails, would fill the log: each key is
// told once in a span of time. How many keys are remembered is bounded; beyond that all are forgotten, and told anew.

export class Seldom {
  readonly #toldAtMs = new Map<string, number>();

  constructor(private readonly bounds: { everyMs: number; keysMax: number }) {}

  /** True once for the key in each span; asking is telling. */
  isDue(key: string, nowMs: number): boolean {
    const toldAtMs = this.#toldAtMs.get(key);
    if (toldAtMs !== undefined && nowMs - toldAtMs < this.bounds.everyMs) return false;
    if (this.#toldAtMs.size >= this.bounds.keysMax) this.#toldAtMs.clear();
    this.#toldAtMs.set(key, nowMs);
    return true;
  }
}
