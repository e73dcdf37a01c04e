// When is it worth looking again whether a lock that is waited for has become free? A hint says so at once, but not each end
// has one: leases run out, and a transaction of a caller's may release. A lock that was taken a moment ago may be
// free again in a moment, and one that was held for a minute probably is not: the next look comes after a quarter of the
// time for which it has been held, so a caller waits at most that much longer than it had to, or for the least pause.

const LEAST_MS = 20;
const MOST_MS = 250;
const SHARE = 0.25;

export interface LookedAt {
  /** Null when nothing holds the lock. */
  heldMs: number | null;
  /** Until the first lease in the way ends. */
  expiresInMs: number | null;
}

/** Milliseconds from this look to the next. */
export function nextLookMs(looks: readonly LookedAt[]): number {
  let ms = MOST_MS;
  for (const { heldMs, expiresInMs } of looks) {
    if (heldMs !== null) ms = Math.min(ms, heldMs * SHARE);
    if (expiresInMs !== null) ms = Math.min(ms, expiresInMs);
  }
  return Math.max(LEAST_MS, ms);
}
