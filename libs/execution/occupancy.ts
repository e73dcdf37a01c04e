// How much of each limit is taken? Everything that may be executing counts: what runs here, and what others
// hold of our slots, a former owner that is finishing, a dead one that nobody has swept yet, a remote worker.
// What others merely hold counts too, because nobody here knows whether it has started (I7). That is known only of
// slots that this replica serves, and in the epoch for which it was read: a former owner knows nothing of what its
// successors start.
import type { RunId, Slot, TenantId } from '#kernel/ids.js';
import type { Occupied } from './decisions/lane-rules.js';

export interface Occupant {
  tenantId: TenantId;
  jobType: string;
  concurrencyKey: string | null;
}

export type Parked = Occupant & { id: RunId; slot: Slot };

export class Occupancy {
  readonly #here = new Map<string, number>();
  #elsewhere = new Map<string, number>();
  /** Runs that went outside from here, until a list of what others hold was read that knows of them. */
  readonly #leaving = new Map<RunId, { run: Parked; isWritten: boolean }>();
  #counted: ReadonlyMap<Slot, number> = new Map();

  begin(run: Occupant): void {
    for (const key of keysOf(run)) this.#here.set(key, (this.#here.get(key) ?? 0) + 1);
  }

  end(run: Occupant): void {
    for (const key of keysOf(run)) {
      const left = (this.#here.get(key) ?? 1) - 1;
      if (left > 0) this.#here.set(key, left);
      else this.#here.delete(key);
    }
  }

  /** It goes on outside, and counts on although it ends here. */
  leave({ id, slot, tenantId, jobType, concurrencyKey }: Parked): void {
    const run = { id, slot, tenantId, jobType, concurrencyKey };
    if (!this.#leaving.has(id)) this.begin(run);
    this.#leaving.set(id, { run, isWritten: false });
  }

  /** Its lease is in the database, or will never be: whoever reads what others hold from now on knows. */
  noteParked({ id }: { id: RunId }): void {
    const leaving = this.#leaving.get(id);
    if (leaving !== undefined) leaving.isWritten = true;
  }

  /** Those of which the next list of what others hold will know. */
  parked(): Parked[] {
    return [...this.#leaving.values()].flatMap(({ run, isWritten }) => (isWritten ? [run] : []));
  }

  /** The list knows of them. */
  forgetParked(runs: readonly Parked[]): void {
    for (const run of runs) {
      // It may have come back meanwhile and left again.
      if (this.#leaving.get(run.id)?.run !== run) continue;
      this.#leaving.delete(run.id);
      this.end(run);
    }
  }

  /** All that others hold in these slots, each with the epoch for which it was read. */
  setElsewhere(runs: readonly Occupant[], counted: ReadonlyMap<Slot, number>): void {
    this.#counted = new Map(counted);
    this.#elsewhere = new Map();
    for (const run of runs)
      for (const key of keysOf(run)) this.#elsewhere.set(key, (this.#elsewhere.get(key) ?? 0) + 1);
  }

  /** From now on only these slots are served, each in this epoch. */
  keepOnly(serving: ReadonlyMap<Slot, number>): void {
    this.#counted = new Map([...this.#counted].filter(([slot, epoch]) => serving.get(slot) === epoch));
  }

  /** Null when it is not known what others hold of the slot. */
  of(run: Occupant & { slot: Slot }): Occupied | null {
    if (!this.#counted.has(run.slot)) return null;
    const [byTenant = 0, byJobType = 0, byKey = 0] = keysOf(run).map(
      (key) => (this.#here.get(key) ?? 0) + (this.#elsewhere.get(key) ?? 0),
    );
    return { byTenant, byJobType, byKey };
  }

  /** What of the tenant runs here. */
  here(tenantId: TenantId): number {
    return this.#here.get(tenantId) ?? 0;
  }

  clear(): void {
    this.#here.clear();
    this.#leaving.clear();
    this.#elsewhere.clear();
    this.#counted = new Map();
  }
}

/** For the tenant, its job type, and the key within that; names of job types hold no slash. */
function keysOf({ tenantId, jobType, concurrencyKey }: Occupant): string[] {
  const ofType = `${tenantId}/${jobType}`;
  return concurrencyKey === null ? [tenantId, ofType] : [tenantId, ofType, `${ofType}/${concurrencyKey}`];
}
