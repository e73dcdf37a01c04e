// How much of each limit is taken? Everything that may be executing counts: what runs here, and what others
// hold of our slots, a former owner that is finishing, a dead one that nobody has swept yet, a remote worker.
// What others merely hold counts too, because nobody here knows whether it has started (I7).
import type { TenantId } from '#kernel/ids.js';
import type { Occupied } from './decisions/lane-rules.js';

export interface Occupant {
  tenantId: TenantId;
  jobType: string;
  concurrencyKey: string | null;
}

export class Occupancy {
  readonly #here = new Map<string, number>();
  #elsewhere = new Map<string, number>();

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

  /** What others hold in the slots that this replica serves; all of it, each time. */
  setElsewhere(runs: readonly Occupant[]): void {
    this.#elsewhere = new Map();
    for (const run of runs)
      for (const key of keysOf(run)) this.#elsewhere.set(key, (this.#elsewhere.get(key) ?? 0) + 1);
  }

  of(run: Occupant): Occupied {
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
    this.#elsewhere.clear();
  }
}

/** For the tenant, its job type, and the key within that; names of job types hold no slash. */
function keysOf({ tenantId, jobType, concurrencyKey }: Occupant): string[] {
  const ofType = `${tenantId}/${jobType}`;
  return concurrencyKey === null ? [tenantId, ofType] : [tenantId, ofType, `${ofType}/${concurrencyKey}`];
}
