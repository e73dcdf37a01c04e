// What a schedule does when it is due while an earlier run of it is still running, and the concurrency key that says so
// to the owner of its slot. Runs with such a key stand in a lane of their own, of which one runs at a time, so they need
// no rule of a job type, and every replica reads the policy from the key alone. A schedule that names locks and lets its
// runs overlap has such a key, too: a lane that limits nothing, so that those that wait for a lock hold up no others.
import { asId, type ScheduleId } from './ids.js';

export type Overlap =
  | { mode: 'allow' }
  /** What is due meanwhile does not run. */
  | { mode: 'skip' }
  /** At most `max` wait for their turn, and more do not run. */
  | { mode: 'queue'; max: number }
  /** The running one is cancelled. */
  | { mode: 'replace' };

export const DEFAULT_OVERLAP = { mode: 'allow' } as const satisfies Overlap;

export interface ScheduleKey {
  scheduleId: ScheduleId;
  overlap: Overlap;
}

const FORM =
  /^schedule\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/(?:(allow|skip|replace)|queue\/([1-9]\d{0,3}))$/;

export function scheduleKey({ scheduleId, overlap }: ScheduleKey): string {
  const policy = overlap.mode === 'queue' ? `queue/${overlap.max}` : overlap.mode;
  return `schedule/${scheduleId}/${policy}`;
}

/** Null for the key of a user. */
export function readScheduleKey(key: string | null): ScheduleKey | null {
  const [, id, mode, max] = (key?.startsWith('schedule/') === true ? FORM.exec(key) : null) ?? [];
  if (id === undefined) return null;
  const scheduleId = asId.schedule(id);
  if (max !== undefined) return { scheduleId, overlap: { mode: 'queue', max: Number(max) } };
  return { scheduleId, overlap: { mode: mode === 'allow' || mode === 'skip' ? mode : 'replace' } };
}

/** Whether its runs have a lane of their own that limits nothing: those of a schedule with locks. */
export function isUnlimitedKey(key: string | null): boolean {
  return readScheduleKey(key)?.overlap.mode === 'allow';
}
