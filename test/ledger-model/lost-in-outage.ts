// A part of the reference: what becomes of a due time that was promised and could start only in an outage?
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import type { DueTime } from './listed-due-times.js';

const SECOND_MS = 1_000;
/** What passed no longer ago is only late. */
export const GRACE_MS = 10_000;

/** Why the policy would not catch up on it when the outage is over; null when it would. */
export function lostInOutage(
  { atMs }: DueTime,
  { endMs, policy, all }: { endMs: number; policy: CatchUp; all: readonly DueTime[] },
): string | null {
  if (policy.mode === 'none') return 'missed (no catch-up)';
  const later = all.filter((due) => due.atMs > atMs && due.atMs <= endMs);
  const notBefore = endMs - policy.withinSeconds * SECOND_MS;
  const isOld = atMs < notBefore;
  if (policy.mode === 'latest') {
    if (later.some((due) => due.atMs >= endMs - GRACE_MS || due.atMs >= notBefore))
      return 'coalesced (outage)';
    return isOld ? 'missed (catch-up window)' : null;
  }
  const younger = later.filter((due) => due.atMs < endMs - GRACE_MS && due.atMs >= notBefore).length;
  if (isOld) return younger > policy.max ? 'missed (catch-up limit)' : 'missed (catch-up window)';
  return younger >= policy.max ? 'missed (catch-up limit)' : null;
}
