// A bounded memory, for what can be found out again. When it is full, what came first is forgotten, and never all of it: a
// tenant that brings one key after the other costs the others one look each, and not everything that was known of them at
// once. How long a value may be believed is for its user to say, who knows when it was read.

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

  /** A key that is known keeps its place. */
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
