// Reads a tenant's suspension, and the end of a schedule's pause, from their rows: instants of the table, which our
// statements send as milliseconds, since reading the texts of instants takes longer than everything else about a row.
import type { Suspension } from '#scheduling/decisions/standing.js';

export function suspensionOf({
  suspendedMs,
  resumedMs,
}: {
  suspendedMs: number | null;
  resumedMs: number | null;
}): Suspension | null {
  if (suspendedMs === null) return null;
  return { from: firstAtOrAfter(suspendedMs), to: resumedMs === null ? null : firstAtOrAfter(resumedMs) };
}

/** The end of a pause; null when it has none. */
export function pausedUntilOf({ pausedUntilMs }: { pausedUntilMs: number | null }): Date | null {
  return pausedUntilMs === null ? null : firstAtOrAfter(pausedUntilMs);
}

/** More than a double loses of such a number, and less than the microsecond that the table keeps. */
const LOST_MS = 0.000_5;

/**
 * The first whole millisecond that is not before the instant. Due times are whole milliseconds, so they fall on the
 * same side of it here as in a statement that compares microseconds.
 */
function firstAtOrAfter(ms: number): Date {
  return new Date(Math.ceil(ms - LOST_MS));
}
