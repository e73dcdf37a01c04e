// Which due times become runs when a tenant may have only so many unfinished runs (`maxQueued`)? The soonest, in the
// number of places left, over all of its schedules. A due time without a place is skipped once it has passed, and is
// not decided before: a place may be free by then. So looking ahead never costs a due time its run.
import type { Plan } from '#scheduling/decisions/planning.js';

/** The plans of one tenant's schedules, each cut back to the places that it gets. */
export function sharePlaces(
  plans: readonly Plan[],
  { places, now }: { places: number; now: Date },
): { plans: Plan[]; taken: number } {
  const wanted = plans.flatMap(({ fires }, index) =>
    fires.filter(({ outcome }) => outcome === 'planned').map(({ dueAt }) => ({ dueAt, index })),
  );
  if (wanted.length <= places) return { plans: [...plans], taken: wanted.length };
  const given = plans.map(() => 0);
  for (const { index } of wanted.toSorted((a, b) => +a.dueAt - +b.dueAt).slice(0, places))
    given[index] = (given[index] ?? 0) + 1;
  return {
    plans: plans.map((plan, index) => cutBack(plan, { places: given[index] ?? 0, now })),
    taken: places,
  };
}

function cutBack(plan: Plan, { places, now }: { places: number; now: Date }): Plan {
  const fires: Plan['fires'] = [];
  let left = places;
  for (const fire of plan.fires) {
    const isPlaced = fire.outcome !== 'planned' || left > 0;
    if (!isPlaced && fire.dueAt > now) return { ...plan, fires, nextDueAt: fire.dueAt };
    if (fire.outcome === 'planned') left -= 1;
    fires.push(isPlaced ? fire : { dueAt: fire.dueAt, outcome: 'skipped', reason: 'limit' });
  }
  return { ...plan, fires };
}
