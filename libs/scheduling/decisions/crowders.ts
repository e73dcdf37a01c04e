// Which tenants crowd the planner? Where more due times wait than one pass may write, a tenant with more than an equal
// share of the pass is a crowder. The planner serves the others first (I9).
import type { TenantId } from '#kernel/ids.js';

/** Less than this delays no other tenant. */
const FIRES_MIN = 100;

/** `fires` counts what a full pass has written for each tenant. One more tenant may wait behind the end of the pass. */
export function crowdersOf(fires: ReadonlyMap<TenantId, number>): TenantId[] {
  const all = [...fires.values()].reduce((sum, count) => sum + count, 0);
  const equalShare = all / (fires.size + 1);
  return [...fires].filter(([, count]) => count >= FIRES_MIN && count > equalShare).map(([id]) => id);
}
