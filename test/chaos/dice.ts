// Where does chance come from? From a seed that is printed, so that a run that failed can be told again: the same
// seed draws the same faults with the same durations in the same order. When each meets the cluster still depends on
// the machine; that much cannot be replayed with real processes.

export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). Mulberry32: small, and good enough to choose faults. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.between(0, items.length - 1)];
    if (item === undefined) throw new Error('expected something to pick from, got nothing');
    return item;
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const rest = [...items];
    for (let last = rest.length - 1; last > 0; last -= 1) {
      const other = this.between(0, last);
      [rest[last], rest[other]] = [rest[other] as Item, rest[last] as Item]; // both are indexes of the array
    }
    return rest;
  }
}
