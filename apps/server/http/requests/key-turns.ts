// Queues the acts of one key, in the order in which they came. Acts of other keys don't wait for them. An act waits
// without the turn of its request: a tenant has few turns, and the act that all others wait for may need one to go on.

interface Line {
  last: Promise<void>;
  count: number;
}

/** What a request holds while it is served. */
export interface Leavable {
  away<Result>(act: () => Promise<Result>): Promise<Result>;
}

export interface Place {
  /** Resolves when all earlier acts of the key have left. */
  untilNext(turn: Leavable): Promise<void>;
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
    const { last, count } = line;
    let leave = (): void => undefined;
    line.last = new Promise((resolve) => {
      leave = () => {
        resolve();
        line.count -= 1;
        if (line.count === 0) this.#lines.delete(key);
      };
    });
    line.count += 1;
    return { untilNext: (turn) => (count === 0 ? last : turn.away(() => last)), leave };
  }
}
