// Which due times lie in a span, the earliest or the newest of them? Both are found by asking for the next one.
import type { NextDue } from './any-of.js';

/** The due times after one instant and up to and including another, the earliest first, at most `limit` of them. */
export function timesIn(
  next: NextDue,
  { after, through, limit }: { after: Date; through: Date; limit: number },
): Date[] {
  const found: Date[] = [];
  let last = after;
  while (found.length < limit) {
    const dueAt = next(last);
    if (dueAt === null || dueAt > through) break;
    found.push(dueAt);
    last = dueAt;
  }
  return found;
}

/**
 * The due times from one instant on and before another, the latest `limit` of them, the earliest first. The search goes
 * backwards by ever longer steps, so that it costs about as much as its result is long, however long the span is.
 */
export function newestIn(
  next: NextDue,
  { notBefore, before, limit }: { notBefore: Date; before: Date; limit: number },
): Date[] {
  const beforeMs = before.getTime();
  const oldestMs = notBefore.getTime() - 1;
  // Never more than one more than is asked for: it shows that the search began too early.
  const dueSince = (afterMs: number): Date[] =>
    timesIn(next, { after: new Date(afterMs), through: new Date(beforeMs - 1), limit: limit + 1 });
  // Each look for a rare one costs milliseconds, and most spans have none.
  if (timesIn(next, { after: new Date(oldestMs), through: new Date(beforeMs - 1), limit: 1 }).length === 0)
    return [];
  let found: Date[] = [];
  let lateMs = beforeMs - 1;
  let earlyMs = lateMs;
  for (let stepMs = 1_000; found.length < limit && earlyMs > oldestMs; stepMs *= 4) {
    lateMs = earlyMs;
    earlyMs = Math.max(oldestMs, beforeMs - 1 - stepMs);
    found = dueSince(earlyMs);
  }
  // Too many since the earlier instant, too few since the later one.
  while (found.length > limit) {
    const middleMs = Math.floor((earlyMs + lateMs) / 2);
    const tried = dueSince(middleMs);
    if (tried.length < limit) lateMs = middleMs;
    else [earlyMs, found] = [middleMs, tried];
  }
  return found;
}
