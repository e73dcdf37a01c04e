// By how much do the runs of a schedule start later than they are due? By a part of its jitter that its id alone decides.
// So thousands of schedules of one due time are spread evenly, and each of them keeps its own distance from one run to
// the next.

/** The numbers of `placementHash` lie below it. */
const HASHES = 2 ** 48;

/** To the millisecond, at least 0 and less than the jitter. */
export function jitterMs({ hash, jitterSeconds }: { hash: number; jitterSeconds: number }): number {
  return Math.floor((hash / HASHES) * jitterSeconds * 1_000);
}

/** When the run of a due time is to start. */
export function startOf(dueAt: Date, ofSchedule: number | null): Date {
  return new Date(dueAt.getTime() + (ofSchedule ?? 0));
}
