// Which runs of our slots are elsewhere? A former owner finishes what it had claimed, and a dead replica's claims
// wait to be revoked: our claims must leave those runs out. Workers hold runs under leases, which no claim finds but
// which count against limits. The list is read before the first claim from a slot in an epoch of its ownership, and
// again while it is not empty. Within the epoch it only shrinks, since only the owner claims from its slot. The
// exception are runs that this replica parks itself: it counts them until a list names them.
import type { Clock } from '#kernel/clock.js';
import type { RunId, Slot } from '#kernel/ids.js';
import type { Incarnation } from '#cluster/membership/membership.js';
import { runsElsewhere, type RunElsewhere } from './runs-elsewhere.repository.js';
import type { Parked } from '#execution/limits/occupancy.js';

const AGAIN_MS = 250;

export class RunsElsewhere {
  readonly #known = new Map<Slot, number>();
  /**
   * The map of slots that was last read whole. Each of hundreds of passes a second compares it, and it is nearly always
   * the same.
   */
  #readFor: ReadonlyMap<Slot, number> | null = null;
  #runs: RunElsewhere[] = [];
  #claimed = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  get runs(): readonly RunElsewhere[] {
    return this.#runs;
  }

  /** How many a claim must leave out. */
  get claimed(): number {
    return this.#claimed;
  }

  /**
   * Brings the list up to date for the served slots, at once where a hint says that there is work. Returns the slots in
   * which runs became claimable, or null if nothing was read. The caller must scan those slots: no hint will name them.
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
    this.#claimed = this.#runs.filter((run) => !run.isLeased).length;
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

  /** The epoch for which the slot's list was read; a claim is valid in no other. */
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
    this.#claimed = 0;
  }
}
