// May a schedule's due time run? Not while the schedule is paused, nor while its tenant is suspended: such a due time
// is skipped, with the reason. A suspension has a beginning and an end, and a pause may have an end, so a due time that
// is decided late, after an outage or after the end, is decided by what held when it was due.
import type { ScheduleState } from './schedule-state.js';

export interface Suspension {
  from: Date;
  /** Null while it lasts. */
  to: Date | null;
}

export interface Standing {
  state: ScheduleState;
  /** Of a paused one: from then on it is as if it were active. Null while the pause has no end. */
  pausedUntil: Date | null;
  /** The tenant's last one. */
  suspension: Suspension | null;
}

/** Why a due time at this instant does not run; null when it may. */
export function heldBackBy(standing: Standing, dueAt: Date): 'paused' | 'suspended' | null {
  const { suspension } = standing;
  if (isPausedAt(standing, dueAt)) return 'paused';
  if (suspension === null || dueAt < suspension.from) return null;
  return suspension.to === null || dueAt < suspension.to ? 'suspended' : null;
}

export function isPausedAt({ state, pausedUntil }: Omit<Standing, 'suspension'>, at: Date): boolean {
  return state === 'paused' && (pausedUntil === null || at < pausedUntil);
}

/** Whether nothing that is due from some instant on may run, as far as is known. */
export function isHeldWithoutEnd({ state, pausedUntil, suspension }: Standing): boolean {
  return (state === 'paused' && pausedUntil === null) || (suspension !== null && suspension.to === null);
}

/** When the last pause or suspension that has an end ends; null when there is none. */
export function heldUntil({ state, pausedUntil, suspension }: Standing): Date | null {
  const ends = [state === 'paused' ? pausedUntil : null, suspension?.to ?? null];
  const known = ends.filter((end) => end !== null);
  return known.length === 0 ? null : new Date(Math.max(...known.map((end) => end.getTime())));
}
