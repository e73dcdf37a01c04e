// One act after the other for each key, in the order in which they came, and none of another key's behind them.

interface Line {
  last: Promise<void>;
  count: number;
}

export interface Place {
  /** Resolves when all that came before have left. */
  readonly isNext: Promise<void>;
  /** To be called once, however the act has ended. */
  leave(): void;
}

export class KeyTurns<Key> {
  readonly #lines = new Map<Key, Line>();

  /** How many of the key act or wait. */
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
