// Pauses and resumes schedules. A pause takes back what was planned: from then on due times are skipped once they have
// passed. It lasts until a request resumes the schedule, or until an instant of its own, from which on the planner plans
// as before, without a further request. What was due in the pause stays skipped, however late it is decided: so a schedule
// that is resumed leaves its undecided past behind, with the pause, and goes on with what comes. A request may ask for more:
// that the schedule's policy makes up for the pause as for an outage.
import type { Tx } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import { catchUpOnPause, type PauseCatchUp } from '#scheduling/catching-up/pause-catch-up.js';
import { nextKnown } from '#scheduling/following/next-known.js';
import { goOnAt, leavePast } from './plan-end.js';
import { updateSchedule, type Schedule } from './schedule.repository.js';

export interface Pause {
  reason?: string | null | undefined;
  /** Null, or none, for a pause that lasts until the schedule is resumed. */
  until?: Date | null | undefined;
}

export type PauseResult =
  | { kind: 'changed'; schedule: Schedule }
  | { kind: 'invalid-state'; state: 'active' | 'paused' | 'ended' }
  | { kind: 'until-has-passed'; now: Date; until: Date }
  | Exclude<PauseCatchUp, { kind: 'caught-up' }>;

export interface Resume {
  /** Whether what was skipped in the pause is caught up on. */
  catchUp?: boolean | undefined;
}

/** A schedule that is paused already gets the new reason and the new end, and was paused since then all the same. */
export async function pause(
  tx: Tx,
  schedule: Schedule,
  { reason = null, until = null, by }: Pause & { by: string },
): Promise<PauseResult> {
  const now = await databaseTime(tx);
  if (until !== null && until <= now) return { kind: 'until-has-passed', now, until };
  const nextAt = await goOnAt(tx, schedule);
  if (nextAt === null && !schedule.isWaiting) return { kind: 'invalid-state', state: 'ended' };
  // What is ahead of a chain is found anew, by what holds then (following/decisions/next-in-chain.ts).
  const isPutOff = schedule.spec?.kind === 'delay' && nextAt !== null && nextAt > now;
  const changed = await updateSchedule(tx, {
    ...schedule,
    catchUp: undefined,
    state: 'paused',
    pausedAt: schedule.isPaused ? (schedule.pausedAt ?? now) : now,
    pausedUntil: until,
    pauseReason: reason,
    nextDueAt: isPutOff ? null : nextAt,
    by,
  });
  return { kind: 'changed', schedule: changed };
}

/** With nothing changed when what was skipped can't be caught up on. */
export async function resume(
  tx: Tx,
  schedule: Schedule,
  { by, catchUp = false }: Resume & { by: string },
): Promise<PauseResult> {
  const { id, tenantId, isPaused, isWaiting, spec, nextDueAt: from } = schedule;
  const over: PauseResult = {
    kind: 'invalid-state',
    state: from === null && schedule.plannedDueAt === null && !isWaiting ? 'ended' : 'active',
  };
  if (!isPaused || (from === null && !isWaiting && !catchUp)) return over;
  const now = await databaseTime(tx);
  if (catchUp) {
    const made = await catchUpOnPause(tx, schedule, now);
    if (made.kind !== 'caught-up') return made;
    if (from === null && !isWaiting && made.runs === 0) return over;
  }
  // A spec that can't be read has no past that could be found: it stays where it is until it is replaced.
  const hasPast = from !== null && from <= now && spec !== null;
  if (hasPast) await leavePast(tx, schedule, { from, now, reason: 'paused' });
  const changed = await updateSchedule(tx, {
    ...schedule,
    catchUp: undefined,
    state: 'active',
    pausedAt: null,
    pausedUntil: null,
    pauseReason: null,
    nextDueAt: hasPast || spec?.kind === 'delay' ? await nextKnown(tx, { id, tenantId, spec }, now) : from,
    by,
  });
  return { kind: 'changed', schedule: changed };
}
