// Whose turn is it? Lanes wait in a circle; a pass serves the first few and those that may hold more go
// to the back, so that a tenant with a thousand runs and one with a single run alternate.
import type { Slot } from '#kernel/ids.js';
import type { Lane } from './claim.repository.js';

export class LaneQueue {
  /** A Map keeps the order of arrival. */
  readonly #lanes = new Map<string, Lane>();

  get size(): number {
    return this.#lanes.size;
  }

  /** Lanes that wait already keep their place. */
  add(lanes: readonly Lane[]): void {
    for (const lane of lanes) if (!this.#lanes.has(keyOf(lane))) this.#lanes.set(keyOf(lane), lane);
  }

  /** Takes up to `limit` lanes from the front; those that may have no more for now keep their place. */
  take(limit: number, mayTake: (lane: Lane) => boolean = () => true): Lane[] {
    const taken: Lane[] = [];
    for (const lane of this.#lanes.values()) {
      if (taken.length >= limit) break;
      if (mayTake(lane)) taken.push(lane);
    }
    for (const lane of taken) this.#lanes.delete(keyOf(lane));
    return taken;
  }

  /** Forgets the lanes of slots that are served elsewhere now. */
  keepOnly(slots: { has(slot: Slot): boolean }): void {
    for (const [key, lane] of this.#lanes) if (!slots.has(lane.slot)) this.#lanes.delete(key);
  }
}

function keyOf({ tenantId, lane }: Lane): string {
  return `${tenantId}/${lane}`;
}
