// Lanes that wait for a claim, in two queues. A fresh lane was found by a scan and has not been served since: fresh lanes
// are served first, for a few runs each, so that a tenant with a single run does not wait for tenants with thousands.
// A resumed lane gave all that its last claim asked for: the next claim begins right behind the last run taken, and resumed
// lanes take turns. A lane that was taken out and could not be served goes back to its own queue.
import { laneKey, type Lane, type LanePosition, type LaneName } from '#execution/runs/decisions/lane.js';

export interface WaitingLane extends Lane {
  /** The position of the last run taken; null when runs may stand before it, so that the claim begins at the head. */
  after: LanePosition | null;
}

export class LaneQueue {
  // A Map keeps the order of arrival.
  readonly #fresh = new Map<string, WaitingLane>();
  readonly #resumed = new Map<string, WaitingLane>();

  get size(): number {
    return this.#fresh.size + this.#resumed.size;
  }

  /** How many resumed lanes wait. */
  get resumed(): number {
    return this.#resumed.size;
  }

  has(lane: LaneName): boolean {
    const key = laneKey(lane);
    return this.#fresh.has(key) || this.#resumed.has(key);
  }

  /** Adds lanes that a scan found. A lane that already waits keeps its turn, but its next claim begins at the head. */
  add(lanes: readonly Lane[]): void {
    for (const { tenantId, slot, lane } of lanes) {
      const key = laneKey({ tenantId, lane });
      const resumed = this.#resumed.get(key);
      if (resumed !== undefined) resumed.after = null;
      else if (!this.#fresh.has(key)) this.#fresh.set(key, { tenantId, slot, lane, after: null });
    }
  }

  /** Puts lanes that may hold more at the back of the resumed queue. */
  resume(lanes: readonly WaitingLane[]): void {
    for (const lane of lanes) this.#resumed.set(laneKey(lane), lane);
  }

  /** Puts fresh lanes that were taken and could not be served at the back of their queue. */
  putBackFresh(lanes: readonly WaitingLane[]): void {
    for (const lane of lanes) this.#fresh.set(laneKey(lane), lane);
  }

  /** Takes up to `limit` fresh lanes, oldest first. A lane that `mayTake` rejects keeps its turn. */
  takeFresh(limit: number, mayTake: (lane: Lane) => boolean): WaitingLane[] {
    return takeFrom(this.#fresh, limit, mayTake);
  }

  /** Takes up to `limit` resumed lanes, oldest first. A lane that `mayTake` rejects keeps its turn. */
  takeResumed(limit: number, mayTake: (lane: Lane) => boolean): WaitingLane[] {
    return takeFrom(this.#resumed, limit, mayTake);
  }

  /** Forgets the lanes of slots that this replica no longer serves. */
  keepOnly(slots: { has(slot: WaitingLane['slot']): boolean }): void {
    for (const lanes of [this.#fresh, this.#resumed])
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
