// How much of each limit is taken? Every run that may be executing counts: those that run here and those elsewhere,
// under a former owner that is finishing, a dead one whose claims no leader has revoked yet, or a worker's lease. A run
// that merely waits elsewhere counts, too, because this replica does not know whether it has started (I7). The count is
// known only for slots that this replica serves, and only in the epoch in which it was read: a former owner does not
// know which runs its successors start.
import type { RunId, Slot, TenantId } from '#kernel/ids.js';
import { readOverlapKey } from '#kernel/keys/key-overlap.js';
import { readScheduleKey } from '#kernel/schedule-key.js';
import type { Occupied } from './decisions/lane-rules.js';

export interface Occupant {
  tenantId: TenantId;
  jobType: string;
  concurrencyKey: string | null;
}

export type Parked = Occupant & { id: RunId; slot: Slot };

/** Whether a limit counts them together by their keys. */
export function haveSameKey(a: Occupant, b: Occupant): boolean {
  const [key, other] = [a.concurrencyKey, b.concurrencyKey];
  if (a.tenantId !== b.tenantId || key === null || other === null) return false;
  return keyOf({ ...a, concurrencyKey: key }) === keyOf({ ...b, concurrencyKey: other });
}

/** What a limit counts together, as a text within one tenant. */
export function keyOf({
  jobType,
  concurrencyKey,
}: Pick<Occupant, 'jobType'> & { concurrencyKey: string }): string {
  const ofSchedule = readScheduleKey(concurrencyKey);
  // A schedule may have had another job type or policy when a run was planned. Names of job types hold no slash.
  if (ofSchedule !== null && ofSchedule.overlap.mode !== 'allow') return `schedule/${ofSchedule.scheduleId}`;
  // Runs of one key exclude each other, whichever policy each of them has.
  return `${jobType}/${readOverlapKey(concurrencyKey)?.key ?? concurrencyKey}`;
}

type RunElsewhere = Occupant & { id: RunId };

/** How many runs of one tenant, of its job types, and of their keys. */
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
    if (concurrencyKey !== null) addTo(count.keys, keyOf({ jobType, concurrencyKey }), change);
  }

  ofTenant(tenantId: TenantId): number {
    return this.#tenants.get(tenantId)?.runs ?? 0;
  }

  ofJobType({ tenantId, jobType }: Occupant): number {
    return this.#tenants.get(tenantId)?.jobTypes.get(jobType) ?? 0;
  }

  ofKey({ tenantId, jobType, concurrencyKey }: Occupant): number {
    if (concurrencyKey === null) return 0;
    return this.#tenants.get(tenantId)?.keys.get(keyOf({ jobType, concurrencyKey })) ?? 0;
  }

  clear(): void {
    this.#tenants.clear();
  }
}

export class Occupancy {
  readonly #here = new Count();
  readonly #elsewhere = new Count();
  #runsElsewhere: readonly RunElsewhere[] = [];
  /** Runs parked here that no list of runs elsewhere names yet. */
  readonly #leaving = new Map<RunId, { run: Parked; isWritten: boolean }>();
  #counted: ReadonlyMap<Slot, number> = new Map();

  begin(run: Occupant): void {
    this.#here.add(run, 1);
  }

  end(run: Occupant): void {
    this.#here.add(run, -1);
  }

  /** Counts a run that is being parked: it goes on outside although it ends here. */
  leave({ id, slot, tenantId, jobType, concurrencyKey }: Parked): void {
    const run = { id, slot, tenantId, jobType, concurrencyKey };
    if (!this.#leaving.has(id)) this.begin(run);
    this.#leaving.set(id, { run, isWritten: false });
  }

  /** Its lease has been written or never will be: each later list of runs elsewhere is right about it. */
  noteParked({ id }: { id: RunId }): void {
    const leaving = this.#leaving.get(id);
    if (leaving !== undefined) leaving.isWritten = true;
  }

  /** The parked runs that the next list of runs elsewhere will name. */
  parked(): Parked[] {
    return [...this.#leaving.values()].flatMap(({ run, isWritten }) => (isWritten ? [run] : []));
  }

  /** Stops counting parked runs, because the list now names them. */
  forgetParked(runs: readonly Parked[]): void {
    for (const run of runs) {
      // Such a run may have come back meanwhile and been parked again.
      if (this.#leaving.get(run.id)?.run !== run) continue;
      this.#leaving.delete(run.id);
      this.end(run);
    }
  }

  /** All runs elsewhere in these slots, each slot with the epoch for which it was read. */
  setElsewhere(runs: readonly RunElsewhere[], counted: ReadonlyMap<Slot, number>): void {
    this.#counted = new Map(counted);
    this.#elsewhere.clear();
    this.#runsElsewhere = runs;
    for (const run of runs) this.#elsewhere.add(run, 1);
  }

  /** The runs elsewhere that a limit counts together with this one by their key. */
  elsewhereWithKeyOf(run: Occupant): RunId[] {
    const others = [...this.#runsElsewhere, ...[...this.#leaving.values()].map(({ run: parked }) => parked)];
    return others.flatMap((other) => (haveSameKey(other, run) ? [other.id] : []));
  }

  /** From now on only these slots are served, each in this epoch. */
  keepOnly(serving: ReadonlyMap<Slot, number>): void {
    this.#counted = new Map([...this.#counted].filter(([slot, epoch]) => serving.get(slot) === epoch));
  }

  /** Null when the runs of the slot elsewhere are not known. */
  of(run: Occupant & { slot: Slot }): Occupied | null {
    if (!this.#counted.has(run.slot)) return null;
    const [here, elsewhere] = [this.#here, this.#elsewhere];
    return {
      byTenant: here.ofTenant(run.tenantId) + elsewhere.ofTenant(run.tenantId),
      byJobType: here.ofJobType(run) + elsewhere.ofJobType(run),
      byKey: here.ofKey(run) + elsewhere.ofKey(run),
    };
  }

  /** How many of the tenant's runs execute here. */
  here(tenantId: TenantId): number {
    return this.#here.ofTenant(tenantId);
  }

  clear(): void {
    this.#here.clear();
    this.#leaving.clear();
    this.#elsewhere.clear();
    this.#runsElsewhere = [];
    this.#counted = new Map();
  }
}

function addTo(counts: Map<string, number>, name: string, change: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + change;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}
