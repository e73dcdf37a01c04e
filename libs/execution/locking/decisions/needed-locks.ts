// Which locks does an attempt of a run hold? Those that its job type names, and those that came with the run from its
// schedule. Where both name a lock the schedule says how, since it knows more of this run.
import type { NeededLock } from '#execution/limits/decisions/lane-rules.js';

/** Undefined for none. */
export function neededLocks(
  ofJobType: readonly NeededLock[] | undefined,
  own: readonly NeededLock[] | null | undefined,
): readonly NeededLock[] | undefined {
  if (own === null || own === undefined) return ofJobType;
  const named = new Set(own.map(({ name }) => name));
  return [...own, ...(ofJobType ?? []).filter(({ name }) => !named.has(name))];
}
