// Which of the held runs that are due starts next? Tenants take turns, so that a thousand runs of one don't
// stand before a single run of another; within a tenant the lower rank goes first, and among equals the
// one that was claimed first.
import type { TenantId } from '#kernel/ids.js';
import { rankOf } from './decisions/rank.js';
import type { HeldRun } from './held-run.js';

export class ReadyLanes {
  /** A Map keeps the order of the turns: who was served goes to its end. Each lane's best is last. */
  readonly #lanes = new Map<TenantId, HeldRun[]>();

  get isEmpty(): boolean {
    return this.#lanes.size === 0;
  }

  add(held: HeldRun): void {
    const { tenantId } = held.run;
    const lane = this.#lanes.get(tenantId);
    if (lane === undefined) this.#lanes.set(tenantId, [held]);
    else lane.splice(placeFor(lane, held), 0, held);
  }

  /** Undefined when nothing is due. */
  take(): HeldRun | undefined {
    for (const [tenantId, lane] of this.#lanes) {
      const next = lane.pop();
      this.#lanes.delete(tenantId);
      if (lane.length > 0) this.#lanes.set(tenantId, lane);
      return next;
    }
    return undefined;
  }

  takeAll(): HeldRun[] {
    const all = [...this.#lanes.values()].flat();
    this.#lanes.clear();
    return all;
  }
}

/** By halving: a lane may hold thousands, and most come at its worse end. */
function placeFor(lane: readonly HeldRun[], held: HeldRun): number {
  let low = 0;
  let high = lane.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = lane[middle];
    if (other !== undefined && goesBefore(held, other)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function goesBefore(a: HeldRun, b: HeldRun): boolean {
  const [rankA, rankB] = [rankOf(a.run), rankOf(b.run)];
  return rankA < rankB || (rankA === rankB && a.turn < b.turn);
}
