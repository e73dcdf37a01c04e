// Which runs may their insert claim? Those that are due at once, stand in no order but that of their lane, and need
// nothing before they start. All others wait in the table until a claim finds them, which knows of keys, locks and
// instants; so what such a claim decides is decided in one place.
import { overlapOf } from '#kernel/keys/key-overlap.js';
import { isUnlimitedKey } from '#kernel/schedule-key.js';

interface ComingRun {
  runAt: Date | null;
  delayMs?: number;
  priority: number;
  concurrencyKey: string | null;
  scheduleId?: unknown;
  locks?: unknown;
  unique?: unknown;
}

interface ItsJobType {
  target: { kind: string };
  locks: readonly unknown[];
  pausedAt: Date | null;
}

export function isPlain(run: ComingRun, jobType: ItsJobType): boolean {
  const isDue = run.runAt === null && (run.delayMs ?? 0) === 0;
  const isBound = [run.scheduleId, run.locks, run.unique].some((each) => (each ?? null) !== null);
  const { concurrencyKey: key } = run;
  const isFree = overlapOf(key) === undefined && !isUnlimitedKey(key);
  const isReady =
    jobType.target.kind === 'handler' && jobType.locks.length === 0 && jobType.pausedAt === null;
  return isDue && !isBound && run.priority === 0 && isFree && isReady;
}
