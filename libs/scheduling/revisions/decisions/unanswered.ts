// Which successes of a schedule that another one follows have led to no due time? Each must have one of its own: so long
// after it, or where others had that instant, in the next free millisecond (following/decisions/place.ts). In whichever
// order they come, the milliseconds that they take together are the same.

/** A due time from before the span, or two notes that are not placed yet, move those around them. */
const NEAR_MS = 1_000;

/** The due times that successes ask for and that are not `known`: noted, left behind or decided. */
export function unanswered(asked: readonly Date[], known: readonly Date[]): Date[] {
  const left = known.map(Number).toSorted((a, b) => a - b);
  const take = (isWanted: (ms: number) => boolean): boolean => {
    const at = left.findIndex(isWanted);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  };
  const isKnown = new Set(left);
  let lastMs = Number.NEGATIVE_INFINITY;
  const places = asked
    .map(Number)
    .toSorted((a, b) => a - b)
    .map((dueMs) => (lastMs = Math.max(dueMs, lastMs + 1)));
  const missing = places.filter((ms) => !isKnown.has(ms));
  if (missing.length === 0) return [];
  const placed = new Set(places);
  for (const ms of placed) take((each) => each === ms);
  return missing.filter((ms) => !take((each) => Math.abs(each - ms) <= NEAR_MS)).map((ms) => new Date(ms));
}
