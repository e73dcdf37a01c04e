// How much of each limit is taken? Everything that may be executing counts: what runs here, and what others
// hold of our slots, a former owner that is finishing, a dead one that no leader has swept yet, a remote worker.
// What others merely hold counts too, because this replica does not know whether it has started (I7). That is known only of
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

/** How many there are of one tenant, of its job types, and of their keys. */
interface TenantCount {
  runs: number;
  readonly jobTypes: Map<string, number>;
  readonly keys: Map<string, number>;
}

class Count {
  readonly #tenants = new Map<TenantId, TenantCount>();

  add({ tenantId, jobType, concurrencyKey }: Occupant, change: 1 | -1): void {
    let count = this.#tenants.get(tenantId);
    if (count === undefined)
      this.#tenants.set(tenantId, (count = { runs: 0, jobTypes: new Map(), keys: new Map() }));
    count.runs += change;
    if (count.runs <= 0) {
      this.#tenants.delete(tenantId);
      return;
    }
    addTo(count.jobTypes, jobType, change);
    if (concurrencyKey !== null) addTo(count.keys, keyWithin(jobType, concurrencyKey), change);
  }

  ofTenant(tenantId: TenantId): number {
    return this.#tenants.get(tenantId)?.runs ?? 0;
  }

  ofJobType({ tenantId, jobType }: Occupant): number {
    return this.#tenants.get(tenantId)?.jobTypes.get(jobType) ?? 0;
  }

  ofKey({ tenantId, jobType, concurrencyKey }: Occupant): number {
    if (concurrencyKey === null) return 0;
    return this.#tenants.get(tenantId)?.keys.get(keyWithin(jobType, concurrencyKey)) ?? 0;
  }

  clear(): void {
    this.#tenants.clear();
  }
}

export class Occupancy {
  readonly #here = new Count();
  readonly #elsewhere = new Count();
  /** Runs that went outside from here, until a list of what others hold was read that knows of them. */
  readonly #leaving = new Map<RunId, { run: Parked; isWritten: boolean }>();
  #counted: ReadonlyMap<Slot, number> = new Map();

  begin(run: Occupant): void {
    this.#here.add(run, 1);
  }

  end(run: Occupant): void {
    this.#here.add(run, -1);
  }

  /** It goes on outside, and counts on although it ends here. */
  leave({ id, slot, tenantId, jobType, concurrencyKey }: Parked): void {
    const run = { id, slot, tenantId, jobType, concurrencyKey };
    if (!this.#leaving.has(id)) this.begin(run);
    this.#leaving.set(id, { run, isWritten: false });
  }

  /** Its lease is in the database, or will never be: each later read of what others hold shows it. */
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
    this.#elsewhere.clear();
    for (const run of runs) this.#elsewhere.add(run, 1);
  }

  /** From now on only these slots are served, each in this epoch. */
  keepOnly(serving: ReadonlyMap<Slot, number>): void {
    this.#counted = new Map([...this.#counted].filter(([slot, epoch]) => serving.get(slot) === epoch));
  }

  /** Null when it is not known what others hold of the slot. */
  of(run: Occupant & { slot: Slot }): Occupied | null {
    if (!this.#counted.has(run.slot)) return null;
    const [here, elsewhere] = [this.#here, this.#elsewhere];
    return {
      byTenant: here.ofTenant(run.tenantId) + elsewhere.ofTenant(run.tenantId),
      byJobType: here.ofJobType(run) + elsewhere.ofJobType(run),
      byKey: here.ofKey(run) + elsewhere.ofKey(run),
    };
  }

  /** What of the tenant runs here. */
  here(tenantId: TenantId): number {
    return this.#here.ofTenant(tenantId);
  }

  clear(): void {
    this.#here.clear();
    this.#leaving.clear();
    this.#elsewhere.clear();
    this.#counted = new Map();
  }
}

function addTo(counts: Map<string, number>, name: string, change: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + change;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}

/** Names of job types hold no slash. */
function keyWithin(jobType: string, concurrencyKey: string): string {
  return `${jobType}/${concurrencyKey}`;
}
