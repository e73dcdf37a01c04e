// Which runs are being inserted and claimed at this moment? Their statement is on its way, so a claim may already see
// them in the table although this replica does not hold them yet. It must leave them out, or they would run twice.
import { PairMap } from '#kernel/pair-map.js';
import type { RunId, TenantId } from '#kernel/ids.js';
import type { LaneName } from '#execution/runs/decisions/lane.js';

export interface EnteringRun extends LaneName {
  id: RunId;
}

export class EnteringRuns {
  readonly #ofLane = new PairMap<TenantId, string, Set<RunId>>();
  readonly #ofTenant = new Map<TenantId, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add({ tenantId, lane, id }: EnteringRun): void {
    const ids = this.#ofLane.get(tenantId, lane) ?? new Set();
    this.#ofLane.set(tenantId, lane, ids.add(id));
    this.#count(tenantId, 1);
  }

  remove({ tenantId, lane, id }: EnteringRun): void {
    const ids = this.#ofLane.get(tenantId, lane);
    if (ids?.delete(id) !== true) return;
    if (ids.size === 0) this.#ofLane.delete(tenantId, lane);
    this.#count(tenantId, -1);
  }

  ofLane({ tenantId, lane }: LaneName): number {
    return this.#ofLane.get(tenantId, lane)?.size ?? 0;
  }

  ofTenant(tenantId: TenantId): number {
    return this.#ofTenant.get(tenantId) ?? 0;
  }

  idsIn(lanes: readonly LaneName[]): RunId[] {
    if (this.#size === 0) return [];
    return lanes.flatMap(({ tenantId, lane }) => [...(this.#ofLane.get(tenantId, lane) ?? [])]);
  }

  ids(): RunId[] {
    return this.#size === 0 ? [] : [...this.#ofLane.values()].flatMap((ids) => [...ids]);
  }

  #count(tenantId: TenantId, change: 1 | -1): void {
    this.#size += change;
    const count = this.ofTenant(tenantId) + change;
    if (count === 0) this.#ofTenant.delete(tenantId);
    else this.#ofTenant.set(tenantId, count);
  }
}
