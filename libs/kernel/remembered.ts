// A bounded memory for values that can be found out again. A full memory forgets its oldest value only: a tenant that
// brings one key after the other costs other tenants one look-up each, and not all their values at once. The user of
// the memory decides how long to trust a value, since it knows when the value was read.

export class Remembered<Key, Value> {
  readonly #values = new Map<Key, Value>();
  readonly #max: number;

  constructor({ max }: { max: number }) {
    this.#max = max;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: Key): Value | undefined {
    return this.#values.get(key);
  }

  has(key: Key): boolean {
    return this.#values.has(key);
  }

  /** A known key keeps its place. */
  set(key: Key, value: Value): void {
    if (this.#values.size >= this.#max && !this.#values.has(key)) this.#forgetFirst();
    this.#values.set(key, value);
  }

  delete(key: Key): void {
    this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
  }

  #forgetFirst(): void {
    for (const first of this.#values.keys()) {
      this.#values.delete(first);
      return;
    }
  }
}
