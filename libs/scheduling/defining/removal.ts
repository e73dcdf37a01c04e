// What becomes of a schedule that no code defines any more? It is paused and never deleted, since code may be gone by
// mistake; from then on requests may change it. Code that defines it again resumes it, unless it had been paused before.
import type { Database } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import { withSchedule, type ScheduleRef } from '#scheduling/schedules/held-schedule.js';
import { pause } from '#scheduling/schedules/pauses.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import { isCodes, setSource } from '#scheduling/schedules/schedule-source.repository.js';
import { isDefined } from './definition.repository.js';

const REMOVED = 'removed from code';

export type RemovalResult = 'removed' | 'still-defined' | 'not-held';

/** Nothing happens while another living process defines it. */
export async function removeFromCode(
  db: Database,
  ref: Omit<ScheduleRef, 'revision'>,
): Promise<RemovalResult> {
  const result = await withSchedule(db, { ...ref, revision: null }, async (tx, schedule) => {
    if (await isDefined(tx, schedule)) return { kind: 'still-defined' } as const;
    if (!isCodes(schedule)) return { kind: 'removed' } as const;
    await setSource(tx, schedule, { source: 'code', removedFromCodeAt: await databaseTime(tx) });
    // A person's pause stays theirs, unless it would end by itself. One that has ended can't be paused.
    if (!schedule.isPaused || schedule.pausedUntil !== null)
      await pause(tx, schedule, { reason: REMOVED, by: ref.by });
    return { kind: 'removed' } as const;
  });
  return result.kind === 'removed' || result.kind === 'still-defined' ? result.kind : 'not-held';
}

/** It is paused for no other reason than that code had ceased to define it. */
export function isPausedForRemoval({ isPaused, pauseReason }: Schedule): boolean {
  return isPaused && pauseReason === REMOVED;
}
