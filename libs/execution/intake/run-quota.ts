// How many more unfinished runs may a tenant have? As many as its limit `maxQueued` leaves, counted along an index and
// never further than the limit. While there is plenty of room, a replica admits up to a tenth of it for a second
// without counting again, so a burst of single requests costs one count. Requests at the same moment don't see one
// another, so together they may exceed the limit by their number.
import type { Database } from '#database/connection.js';
import type { Clock } from '#kernel/clock.js';
import type { TenantId } from '#kernel/ids.js';
import { Remembered } from '#kernel/remembered.js';
import { countTowardsQuota } from './new-run.repository.js';

const REMEMBERED_MS = 1_000;
const REMEMBERED_MAX = 10_000;
/**
 * The part of the room that one replica gives away without counting: so much to its API, and so much to its handlers.
 * With more than five replicas the limit is a little softer.
 */
const UNCOUNTED_SHARE = 0.1;

/** The count, never further than the limit. */
export interface Quota {
  max: number;
  current: number;
}

export class RunQuota {
  readonly #remembered = new Remembered<TenantId, { uncounted: number; countedAtMs: number }>({
    max: REMEMBERED_MAX,
  });

  constructor(private readonly clock: Clock) {}

  /**
   * How many of the wanted runs may be created, and the limit that says so, null when there is none. A caller that has
   * just read the tenant says whether it `isLimited`.
   */
  async roomFor(
    db: Database,
    { tenantId, wanted, isLimited = true }: { tenantId: TenantId; wanted: number; isLimited?: boolean },
  ): Promise<{ room: number; quota: Quota | null }> {
    if (!isLimited) return { room: wanted, quota: null };
    const remembered = this.#remembered.get(tenantId);
    if (remembered !== undefined && this.#isFresh(remembered) && remembered.uncounted >= wanted) {
      remembered.uncounted -= wanted;
      return { room: wanted, quota: null };
    }
    const { maxQueued, count } = await countTowardsQuota(db, tenantId);
    const left = maxQueued === null ? Number.POSITIVE_INFINITY : Math.max(0, maxQueued - count);
    const room = Math.min(wanted, left);
    this.#remembered.set(tenantId, {
      uncounted: Math.floor((left - room) * UNCOUNTED_SHARE),
      countedAtMs: this.clock.monotonicMs(),
    });
    return { room, quota: maxQueued === null ? null : { max: maxQueued, current: count } };
  }

  #isFresh({ countedAtMs }: { countedAtMs: number }): boolean {
    return this.clock.monotonicMs() - countedAtMs < REMEMBERED_MS;
  }
}
