// Whose turn is it? Lanes wait in two circles. Those that were found by a look and have not been served since come
// first, with a few runs each, so that whoever comes with a single run does not wait for those who have a thousand. Those
// that gave all they were asked for go on right behind the place where they ended, and take turns.
import { laneKey, type Lane, type LanePlace, type LaneName } from '#execution/runs/decisions/lane.js';

export interface WaitingLane extends Lane {
  /** Where its last claim ended; null when something may be before it. */
  after: LanePlace | null;
}

export class LaneQueue {
  // A Map keeps the order of arrival.
  readonly #found = new Map<string, WaitingLane>();
  readonly #going = new Map<string, WaitingLane>();

  get size(): number {
    return this.#found.size + this.#going.size;
  }

  /** How many were served before and go on. */
  get going(): number {
    return this.#going.size;
  }

  has(lane: LaneName): boolean {
    const key = laneKey(lane);
    return this.#found.has(key) || this.#going.has(key);
  }

  /** A look has found these. Lanes that wait already keep their place, but begin at their heads. */
  add(lanes: readonly Lane[]): void {
    for (const { tenantId, slot, lane } of lanes) {
      const key = laneKey({ tenantId, lane });
      const going = this.#going.get(key);
      if (going !== undefined) going.after = null;
      else if (!this.#found.has(key)) this.#found.set(key, { tenantId, slot, lane, after: null });
    }
  }

  /** These go on, at the back. */
  goOn(lanes: readonly WaitingLane[]): void {
    for (const lane of lanes) this.#going.set(laneKey(lane), lane);
  }

  /** Up to `limit` lanes that have not been served, the first first; those that may have no more for now keep their place. */
  takeFound(limit: number, mayTake: (lane: Lane) => boolean): WaitingLane[] {
    return takeFrom(this.#found, limit, mayTake);
  }

  /** The same of those that go on. */
  takeGoing(limit: number, mayTake: (lane: Lane) => boolean): WaitingLane[] {
    return takeFrom(this.#going, limit, mayTake);
  }

  /** Forgets the lanes of slots that are served elsewhere now. */
  keepOnly(slots: { has(slot: WaitingLane['slot']): boolean }): void {
    for (const lanes of [this.#found, this.#going])
      for (const [key, lane] of lanes) if (!slots.has(lane.slot)) lanes.delete(key);
  }
}

function takeFrom(
  lanes: Map<string, WaitingLane>,
  limit: number,
  mayTake: (lane: Lane) => boolean,
): WaitingLane[] {
  const taken: WaitingLane[] = [];
  for (const lane of lanes.values()) {
    if (taken.length >= limit) break;
    if (mayTake(lane)) taken.push(lane);
  }
  for (const lane of taken) lanes.delete(laneKey(lane));
  return taken;
}
