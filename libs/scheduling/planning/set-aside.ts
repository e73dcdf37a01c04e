// Sets schedules and gaps aside that can't be read, because another version wrote them or a time zone is gone. So they
// hold up nothing else, and each is logged once. Nothing about them is decided or changed: they are tried again later,
// and by the next leader, which may be of a version that can read them.
import type { Clock } from '#kernel/clock.js';
import { Remembered } from '#kernel/remembered.js';
import { Topic } from '#kernel/topic.js';

const AGAIN_MS = 60_000;
/** Beyond this the oldest are tried again sooner, which costs one read of each. */
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

  /** The ids that are not tried now. */
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
