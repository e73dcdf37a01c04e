// When is a large body read? Parsing it, searching it for values that can't be stored and checking its shape take
// some tens of milliseconds each. Eight bodies that come at once would be handled in one turn of the event loop,
// before the next heartbeat. So each step waits for a turn of its own, one step a turn, and owners alternate: many
// bodies of one tenant delay that tenant, and every other by a single step.
import { systemClock } from '#database/runtime/system-clock.js';

/** Resolves when the next step may begin. */
export type NextTurn = () => Promise<void>;

export class BodyTurns {
  /** In the order of their turns. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** The code after this await, up to the next await, is one step. */
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
      // An owner with more steps goes behind all others.
      this.#waiting.delete(owner);
      if (waiting.length > 0) this.#waiting.set(owner, waiting);
      if (this.#waiting.size > 0) setImmediate(this.#serve);
      begin?.();
      return;
    }
  };
}

const turnsOf = new WeakMap<object, NextTurn>();

/** Lets each later step over this body, in any module, wait for its turn. */
export function takesTurns(body: unknown, nextTurn: NextTurn): void {
  if (typeof body === 'object' && body !== null) turnsOf.set(body, nextTurn);
}

/** Undefined for a body that is small. */
export function turnsFor(body: unknown): NextTurn | undefined {
  return typeof body === 'object' && body !== null ? turnsOf.get(body) : undefined;
}

/** Small parts need no turn each: parts of one body share a turn for so long. */
const STEP_MS = 20;

/** The returned function must be awaited before each part. */
export function betweenParts(nextTurn: NextTurn): () => Promise<void> {
  let endsAtMs = 0;
  return async () => {
    if (systemClock.monotonicMs() < endsAtMs) return;
    await nextTurn();
    endsAtMs = systemClock.monotonicMs() + STEP_MS;
  };
}
