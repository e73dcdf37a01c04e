// When is a large body looked at? Parsing it, looking for what can't be stored and checking its shape each take some
// tens of milliseconds, and eight bodies that come at once are dealt with in one turn of the event loop, before the next
// heartbeat. So each such step waits for a turn of the loop that is its own, one step a turn, and their owners take turns
// as well: a crowd of one tenant's bodies makes that tenant wait, and any other one for a single step.
import { systemClock } from '#database/runtime/system-clock.js';

/** Resolves when the next step may be done. */
export type NextTurn = () => Promise<void>;

export class BodyTurns {
  /** In the order of their turns. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** What is done next, up to its next wait, is one step. */
  next(owner: string): Promise<void> {
    return new Promise((begin) => {
      if (this.#waiting.size === 0) setImmediate(this.#serve);
      const ofOwner = this.#waiting.get(owner);
      if (ofOwner === undefined) this.#waiting.set(owner, [begin]);
      else ofOwner.push(begin);
    });
  }

  readonly #serve = (): void => {
    for (const [owner, waiting] of this.#waiting) {
      const begin = waiting.shift();
      // Behind all others, if it has more.
      this.#waiting.delete(owner);
      if (waiting.length > 0) this.#waiting.set(owner, waiting);
      if (this.#waiting.size > 0) setImmediate(this.#serve);
      begin?.();
      return;
    }
  };
}

const turnsOf = new WeakMap<object, NextTurn>();

/** So that each step of looking at this body, wherever it is done, can wait for its turn. */
export function takesTurns(body: unknown, nextTurn: NextTurn): void {
  if (typeof body === 'object' && body !== null) turnsOf.set(body, nextTurn);
}

/** Undefined for a body that is small. */
export function turnsFor(body: unknown): NextTurn | undefined {
  return typeof body === 'object' && body !== null ? turnsOf.get(body) : undefined;
}

/** Parts that are small one by one need no turn each: those of a body have this long before the next one's. */
const STEP_MS = 20;

/** To be waited for before each part. */
export function betweenParts(nextTurn: NextTurn): () => Promise<void> {
  let endsAtMs = 0;
  return async () => {
    if (systemClock.monotonicMs() < endsAtMs) return;
    await nextTurn();
    endsAtMs = systemClock.monotonicMs() + STEP_MS;
  };
}
