// Which runs in our slots does somebody else still hold? After a hand-over the former owner finishes what
// it had claimed, and a dead one's claims wait to be revoked. Those runs must be left out of our claims.
// The list is read before the first claim from a slot in an epoch of its ownership, and again while it is
// not empty; within the epoch it can only shrink, since only a slot's owner claims from it.
import type { Clock } from '#kernel/clock.js';
import type { RunId, Slot } from '#kernel/ids.js';
import type { Incarnation } from '#cluster/membership.js';
import { foreignRuns, type ForeignRun } from './claim.repository.js';

const AGAIN_MS = 250;

export class ForeignRuns {
  readonly #known = new Map<Slot, number>();
  #runs: ForeignRun[] = [];
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  get runs(): readonly ForeignRun[] {
    return this.#runs;
  }

  /** Brings the list up to date for the slots that are served now. True when it was read anew. */
  async refresh(incarnation: Incarnation, serving: ReadonlyMap<Slot, number>): Promise<boolean> {
    for (const slot of this.#known.keys()) if (!serving.has(slot)) this.#known.delete(slot);
    const unknown = [...serving].filter(([slot, epoch]) => this.#known.get(slot) !== epoch);
    const nowMs = this.clock.monotonicMs();
    const stale = this.#runs.length > 0 && nowMs - this.#readAtMs >= AGAIN_MS;
    if (unknown.length === 0 && !stale) return false;
    const slots = [
      ...new Set([...unknown.map(([slot]) => slot), ...this.#runs.map((run) => run.slot)]),
    ].filter((slot) => serving.has(slot));
    this.#runs = await foreignRuns(incarnation.db, { replica: incarnation.replica, slots });
    this.#readAtMs = nowMs;
    for (const [slot, epoch] of unknown) this.#known.set(slot, epoch);
    return true;
  }

  /** The epoch for which the slot's list was read; a claim holds good in no other. */
  epochOf(slot: Slot): number | undefined {
    return this.#known.get(slot);
  }

  idsIn(slots: ReadonlySet<Slot>): RunId[] {
    return this.#runs.filter((run) => slots.has(run.slot)).map((run) => run.id);
  }

  clear(): void {
    this.#known.clear();
    this.#runs = [];
  }
}
