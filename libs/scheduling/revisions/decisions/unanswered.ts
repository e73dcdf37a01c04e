// Which successes of a schedule that another one follows have led to no due time? Each must have one of its own: so long
// after it, or where successes came in one millisecond, in the next free one (following/decisions/place.ts).

/** More successes than this in one instant are not there. */
const MOVED_MS_MAX = 100;

/** Of the due times that successes ask for those without one; `known` are those that are noted, left behind or decided. */
export function unanswered(asked: readonly Date[], known: readonly Date[]): Date[] {
  const free = known.map((at) => at.getTime()).toSorted((a, b) => a - b);
  let next = 0;
  return asked
    .toSorted((a, b) => a.getTime() - b.getTime())
    .filter((dueAt) => {
      const dueMs = dueAt.getTime();
      while ((free[next] ?? Infinity) < dueMs) next += 1;
      const isAnswered = (free[next] ?? Infinity) <= dueMs + MOVED_MS_MAX;
      if (isAnswered) next += 1;
      return !isAnswered;
    });
}
