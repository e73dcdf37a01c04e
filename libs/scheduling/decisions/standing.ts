// May a schedule's due time run? Not while the schedule is paused, nor while its tenant is suspended: such a due time
// is skipped, with the reason. A pause is a present state. A suspension has a beginning and an end, so a due time that
// is decided late, after an outage or after the tenant was resumed, is decided by what held when it was due.
import type { ScheduleState } from './schedule-state.js';

export interface Suspension {
  from: Date;
  /** Null while it lasts. */
  to: Date | null;
}

export interface Standing {
  state: ScheduleState;
  /** The tenant's last one. */
  suspension: Suspension | null;
}

/** Only a schedule that may run is planned ahead. */
export function mayRunNow({ state, suspension }: Standing): boolean {
  return state === 'active' && (suspension === null || suspension.to !== null);
}

/** Why a due time at this instant does not run; null when it may. */
export function heldBackBy({ state, suspension }: Standing, dueAt: Date): 'paused' | 'suspended' | null {
  if (state === 'paused') return 'paused';
  if (suspension === null || dueAt < suspension.from) return null;
  return suspension.to === null || dueAt < suspension.to ? 'suspended' : null;
}
