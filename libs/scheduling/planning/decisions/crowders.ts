// Which tenants crowd the planner, and how much of them is planned at a time? Where more due times wait than one pass
// may write, a tenant with more than an equal share of the pass is a crowder. The planner serves the others first, and
// then the crowd in equal parts, so that one that crowds ten times as much does not delay the rest of the crowd (I9).
import type { TenantId } from '#kernel/ids.js';

/** `fires` counts what a full pass has written for each tenant. One more tenant may wait behind the end of the pass. */
export function crowdersOf(fires: ReadonlyMap<TenantId, number>, leastFires: number): TenantId[] {
  const all = [...fires.values()].reduce((sum, count) => sum + count, 0);
  const equalShare = all / (fires.size + 1);
  return [...fires].filter(([, count]) => count >= leastFires && count > equalShare).map(([id]) => id);
}

/** Each part costs a look at the schedules. */
export const PARTS_MAX = 4;

export interface Part {
  tenants: readonly TenantId[];
  firesMax: number;
}

/**
 * The parts of one round for a crowd in the order of its turns. Where it has more tenants than a round has parts, the
 * last part is for all of them, by due time: so none of them is left out of a round.
 */
export function partsOf(crowd: readonly TenantId[], firesMax: number): Part[] {
  const alone = crowd.slice(0, crowd.length > PARTS_MAX ? PARTS_MAX - 1 : PARTS_MAX);
  const tenants = alone.map((id) => [id]);
  const all = crowd.length > alone.length ? [...tenants, crowd] : tenants;
  return all.map((each) => ({ tenants: each, firesMax: Math.floor(firesMax / all.length) }));
}
