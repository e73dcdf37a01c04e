// Queues the acts of one key, in the order in which they came. Acts of other keys don't wait for them.

interface Line {
  last: Promise<void>;
  count: number;
}

export interface Place {
  /** Resolves when all earlier acts of the key have left. */
  readonly isNext: Promise<void>;
  /** Must be called once, also when the act has failed. */
  leave(): void;
}

export class KeyTurns<Key> {
  readonly #lines = new Map<Key, Line>();

  /** The number of the key's acts that run or wait. */
  countOf(key: Key): number {
    return this.#lines.get(key)?.count ?? 0;
  }

  join(key: Key): Place {
    const line = this.#lines.get(key) ?? { last: Promise.resolve(), count: 0 };
    this.#lines.set(key, line);
    const isNext = line.last;
    let leave = (): void => undefined;
    line.last = new Promise((resolve) => {
      leave = () => {
        resolve();
        line.count -= 1;
        if (line.count === 0) this.#lines.delete(key);
      };
    });
    line.count += 1;
    return { isNext, leave };
  }
}
