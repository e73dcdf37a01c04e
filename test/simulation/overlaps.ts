// What do schedules of a simulated world do when they are due while they run?
import { asId } from '#kernel/ids.js';
import { scheduleKey, type ScheduleKey } from '#kernel/schedule-key.js';
import type { Work } from './executions.js';

/** Of half of the schedules the runs may overlap. */
export const OVERLAPS: readonly (ScheduleKey['overlap'] | null)[] = [
  null,
  null,
  null,
  { mode: 'skip' },
  { mode: 'queue', max: 1 },
  { mode: 'replace' },
];

/** Ids of the world are shorter, and a key has a whole one. */
export function keyOf(number: number, overlap: ScheduleKey['overlap']): string {
  const scheduleId = asId.schedule(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`);
  return scheduleKey({ scheduleId, overlap });
}

/** What waits for its turn, and then for a retry, must not count as left undone. */
const QUEUED_MS = 1_500;

/** Longer than the time between two due times, where no run has to wait for so long. */
export function oneByOne(
  work: Work,
  { seconds, overlap }: { seconds: number; overlap: ScheduleKey['overlap'] },
): Work {
  if (overlap.mode === 'queue') return { ...work, ms: Math.min(work.ms, QUEUED_MS) };
  return { ...work, ms: seconds > 3 ? work.ms : seconds * 1_000 + 300 };
}
