// Which due times does a request skip that asks for the next ones? The soonest that are ahead and not decided yet, planned
// or not. One whose run its owner has claimed by then counts as well, though it can't be skipped any more: who wanted to
// skip it must not lose the next one instead. What was skipped before is passed over.

export interface AheadDueTime {
  dueAt: Date;
  /** Of its row in the ledger; null if it has none. */
  outcome: string | null;
}

export interface NextSkips {
  /** Their runs must be taken back, as far as no owner has claimed them. */
  planned: Date[];
  /** They have no row in the ledger yet. */
  open: Date[];
}

/** `ahead` has the soonest first. */
export function nextSkips(
  ahead: readonly AheadDueTime[],
  { count, now }: { count: number; now: Date },
): NextSkips {
  const next = ahead
    .filter(({ dueAt, outcome }) => dueAt > now && (outcome === null || outcome === 'planned'))
    .slice(0, count);
  return {
    planned: next.filter(({ outcome }) => outcome !== null).map(({ dueAt }) => dueAt),
    open: next.filter(({ outcome }) => outcome === null).map(({ dueAt }) => dueAt),
  };
}

/**
 * Where planning goes on. A schedule that has undecided due times in the past stays there: the planner finds the rows of
 * what was skipped when it comes to them.
 */
export function nextUnskipped(
  ahead: readonly Date[],
  { from, now, skipped }: { from: Date; now: Date; skipped: readonly Date[] },
): Date | 'behind the last of these' {
  if (from <= now) return from;
  const decided = new Set(skipped.map((dueAt) => dueAt.getTime()));
  if (!decided.has(from.getTime())) return from;
  const next = ahead.find((dueAt) => dueAt > from && !decided.has(dueAt.getTime()));
  return next ?? 'behind the last of these';
}
