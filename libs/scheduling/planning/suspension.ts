// How is a tenant's suspension read from its row? As the two instants that the table keeps, which statements of ours send
// as milliseconds, since reading the texts of instants takes longer than all else about a row.
import type { Suspension } from '#scheduling/decisions/standing.js';

export function suspensionOf({
  suspendedMs,
  resumedMs,
}: {
  suspendedMs: number | null;
  resumedMs: number | null;
}): Suspension | null {
  if (suspendedMs === null) return null;
  return { from: new Date(suspendedMs), to: resumedMs === null ? null : new Date(resumedMs) };
}
