// Lets the acts of one key happen one after the other, in the order in which they came. Acts of other keys don't wait for
// them. An act waits without the turn of its request: a tenant has few turns, and the act that all others wait for may
// need one to go on.

interface Line {
  last: Promise<void>;
  count: number;
}

/** What a request holds while it is served. */
export interface Leavable {
  away<Result>(act: () => Promise<Result>): Promise<Result>;
}

export class KeyTurns<Key> {
  readonly #lines = new Map<Key, Line>();

  /** The number of the key's acts that run or wait. */
  countOf(key: Key): number {
    return this.#lines.get(key)?.count ?? 0;
  }

  async act<Result>(key: Key, turn: Leavable, act: () => Promise<Result>): Promise<Result> {
    const line = this.#lines.get(key) ?? { last: Promise.resolve(), count: 0 };
    this.#lines.set(key, line);
    const { last: before, count } = line;
    const { promise, resolve: leave } = Promise.withResolvers<void>();
    line.last = promise;
    line.count += 1;
    try {
      if (count > 0) await turn.away(() => before);
      return await act();
    } finally {
      leave();
      line.count -= 1;
      if (line.count === 0) this.#lines.delete(key);
    }
  }
}
