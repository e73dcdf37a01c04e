// Takes turns where few can be served at once: one act of each tenant at a time, and the tenants in turn. So a tenant
// with a thousand heavy acts makes another wait for one of them at most.
import type { TenantId } from '#kernel/ids.js';

interface Waiting {
  begin: (place: number) => void;
  weight: number;
}

export class TenantLine {
  /** In the order of their turns. */
  readonly #waiting = new Map<TenantId, Waiting[]>();
  readonly #served = new Set<TenantId>();
  readonly #freePlaces: number[];

  constructor(places: number) {
    this.#freePlaces = Array.from({ length: places }, (_, place) => places - 1 - place);
  }

  /** How much the tenant has waiting here, in the unit that each act is given with. */
  weightOf(tenantId: TenantId): number {
    return (this.#waiting.get(tenantId) ?? []).reduce((sum, { weight }) => sum + weight, 0);
  }

  /** Calls `act` with the number of its place when it is the tenant's turn, and settles as it does. */
  async serve<Result>(
    { tenantId, weight }: { tenantId: TenantId; weight: number },
    act: (place: number) => Promise<Result>,
  ): Promise<Result> {
    const place = await new Promise<number>((begin) => {
      const ofTenant = this.#waiting.get(tenantId);
      if (ofTenant === undefined) this.#waiting.set(tenantId, [{ begin, weight }]);
      else ofTenant.push({ begin, weight });
      this.#next();
    });
    try {
      return await act(place);
    } finally {
      this.#served.delete(tenantId);
      this.#freePlaces.push(place);
      this.#next();
    }
  }

  #next(): void {
    if (this.#freePlaces.length === 0) return;
    for (const [tenantId, waiting] of this.#waiting) {
      if (this.#served.has(tenantId)) continue;
      const first = waiting.shift();
      const place = this.#freePlaces.pop();
      if (first === undefined || place === undefined) return;
      // Behind all other tenants, if it has more.
      this.#waiting.delete(tenantId);
      if (waiting.length > 0) this.#waiting.set(tenantId, waiting);
      this.#served.add(tenantId);
      first.begin(place);
      if (this.#freePlaces.length === 0) return;
    }
  }
}
