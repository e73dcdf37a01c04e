// A map with two keys, as a map of maps: joining the keys into one text and hashing it takes 700 ns a look-up instead
// of 50.

export class PairMap<First, Second, Value> {
  readonly #values = new Map<First, Map<Second, Value>>();

  get(first: First, second: Second): Value | undefined {
    return this.#values.get(first)?.get(second);
  }

  set(first: First, second: Second, value: Value): void {
    const ofFirst = this.#values.get(first);
    if (ofFirst === undefined) this.#values.set(first, new Map([[second, value]]));
    else ofFirst.set(second, value);
  }

  delete(first: First, second: Second): void {
    const ofFirst = this.#values.get(first);
    if (ofFirst?.delete(second) === true && ofFirst.size === 0) this.#values.delete(first);
  }

  *values(): Generator<Value> {
    for (const ofFirst of this.#values.values()) yield* ofFirst.values();
  }

  clear(): void {
    this.#values.clear();
  }
}
