// Which runs in our slots does somebody else still hold? After a hand-over the former owner finishes what
// it had claimed, and a dead one's claims wait to be revoked. Those runs must be left out of our claims. Workers
// outside hold runs under leases; those no claim finds, but they count against limits.
// The list is read before the first claim from a slot in an epoch of its ownership, and again while it is
// not empty; within the epoch it can only shrink, since only a slot's owner claims from it, but for runs that this
// replica itself has put outside: of those it knows, and they are counted until a list names them.
import type { Clock } from '#kernel/clock.js';
import type { RunId, Slot } from '#kernel/ids.js';
import type { Incarnation } from '#cluster/membership/membership.js';
import { runsElsewhere, type RunElsewhere } from './runs-elsewhere.repository.js';
import type { Parked } from '#execution/limits/occupancy.js';

const AGAIN_MS = 250;

export class RunsElsewhere {
  readonly #known = new Map<Slot, number>();
  /** The slots of which all is known: asked with each pass, which are hundreds a second, and hardly ever others. */
  #readFor: ReadonlyMap<Slot, number> | null = null;
  #runs: RunElsewhere[] = [];
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  get runs(): readonly RunElsewhere[] {
    return this.#runs;
  }

  /**
   * Brings the list up to date for the slots that are served now; at once where a hint says that there is work. Resolves
   * with the slots in which runs have been set free, or with null when it was up to date: nobody else will look for them before the next look everywhere.
   */
  async refresh(
    incarnation: Incarnation,
    {
      serving,
      hinted,
      parked,
    }: { serving: ReadonlyMap<Slot, number>; hinted: ReadonlySet<Slot>; parked: readonly Parked[] },
  ): Promise<Slot[] | null> {
    if (serving === this.#readFor && this.#runs.length === 0 && parked.length === 0) return null;
    for (const slot of this.#known.keys()) if (!serving.has(slot)) this.#known.delete(slot);
    const unknown = [...serving].filter(([slot, epoch]) => this.#known.get(slot) !== epoch);
    const nowMs = this.clock.monotonicMs();
    const isOld = nowMs - this.#readAtMs >= AGAIN_MS;
    const listed = [...this.#runs, ...parked];
    const stale = listed.some((run) => isOld || hinted.has(run.slot));
    if (unknown.length === 0) this.#readFor = serving;
    if (unknown.length === 0 && !stale) return null;
    const slots = [...new Set([...unknown.map(([slot]) => slot), ...listed.map((run) => run.slot)])].filter(
      (slot) => serving.has(slot),
    );
    this.#runs = await runsElsewhere(incarnation.db, { replica: incarnation.replica, slots });
    this.#readAtMs = nowMs;
    for (const [slot, epoch] of unknown) this.#known.set(slot, epoch);
    this.#readFor = serving;
    const held = new Set(this.#runs.map((run) => run.id));
    return [...new Set(listed.filter((run) => !held.has(run.id)).map((run) => run.slot))];
  }

  /** The slots whose list was read, each with its epoch. */
  get known(): ReadonlyMap<Slot, number> {
    return this.#known;
  }

  /** The epoch for which the slot's list was read; a claim holds good in no other. */
  epochOf(slot: Slot): number | undefined {
    return this.#known.get(slot);
  }

  idsIn(slots: ReadonlySet<Slot>): RunId[] {
    return this.#runs.filter((run) => !run.isLeased && slots.has(run.slot)).map((run) => run.id);
  }

  clear(): void {
    this.#known.clear();
    this.#readFor = null;
    this.#runs = [];
  }
}
