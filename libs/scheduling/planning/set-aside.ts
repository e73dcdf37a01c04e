// What if something stored can't be read, since another version wrote it or a time zone is gone? It is set aside, so that it
// keeps nothing else waiting, and told of once. Nothing about it is decided or changed: it is tried again later, and by the
// next leader, who may be of the version that can read it.
import type { Clock } from '#kernel/clock.js';
import { Remembered } from '#kernel/remembered.js';
import { Topic } from '#kernel/topic.js';

const AGAIN_MS = 60_000;
/** Beyond this the oldest are tried again sooner, which costs a look at each. */
const SET_ASIDE_MAX = 10_000;

export interface Unreadable {
  id: string;
  error: unknown;
}

export class SetAside<Id extends string> {
  readonly told = new Topic<Unreadable>();
  readonly #sinceMs = new Map<Id, number>();
  readonly #known = new Remembered<Id, true>({ max: SET_ASIDE_MAX });

  constructor(private readonly clock: Clock) {}

  /** Those that are not tried now. */
  ids(): Id[] {
    const nowMs = this.clock.monotonicMs();
    for (const [id, sinceMs] of this.#sinceMs) {
      if (nowMs - sinceMs < AGAIN_MS && this.#sinceMs.size <= SET_ASIDE_MAX) break; // the oldest come first
      this.#sinceMs.delete(id);
    }
    return [...this.#sinceMs.keys()];
  }

  /** What `read` returns, or null when it throws: then `id` is set aside. */
  try<Value>(id: Id, read: () => Value): Value | null {
    try {
      return read();
    } catch (error) {
      this.#sinceMs.delete(id);
      this.#sinceMs.set(id, this.clock.monotonicMs());
      if (!this.#known.has(id)) this.told.publish({ id, error });
      this.#known.set(id, true);
      return null;
    }
  }
}
