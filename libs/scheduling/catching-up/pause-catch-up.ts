// Catches up on what a pause has skipped, because the request that ends the pause asks for it: as after an outage that
// began with the pause and ends now. All of it happens in the transaction of that request, or nothing. What the policy does
// not choose stays skipped. A due time that was taken back when the pause began, but had been due before, is not of the
// pause, and stays skipped as well.
import type { Tx } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { asId, type ScheduleId, type TenantId } from '#kernel/ids.js';
import { catchUpOn, type CatchUp } from '#scheduling/decisions/catch-up.js';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { countPlaces, planCaughtUp } from './caught-up-run.repository.js';

export interface PausedSchedule {
  id: ScheduleId;
  tenantId: TenantId;
  /** Null when it can't be read, as the policy. */
  spec: ScheduleSpec | null;
  catchUp: CatchUp | null;
  pausedAt: Date | null;
  /** What was due until then was asked for by another spec. */
  specSince: Date | null;
}

export type PauseCatchUp =
  | { kind: 'caught-up'; runs: number }
  /** The policy makes up for nothing, or it, or the spec, can't be read. */
  | { kind: 'no-catch-up'; mode: 'none' | 'unreadable' }
  /** The tenant may have no more unfinished runs than that. */
  | { kind: 'no-place'; wanted: number; maxQueued: number; queued: number };

export async function catchUpOnPause(tx: Tx, schedule: PausedSchedule, now: Date): Promise<PauseCatchUp> {
  const { id: scheduleId, tenantId, spec, catchUp } = schedule;
  if (spec === null || catchUp === null) return { kind: 'no-catch-up', mode: 'unreadable' };
  if (catchUp.mode === 'none') return { kind: 'no-catch-up', mode: 'none' };
  const to = new Date(now.getTime() + 1);
  const span = { from: beginningOf(schedule, now), to, now };
  const { dueTimes } = catchUpOn({ spec, catchUp, ...span, isLaterDue: false, heldUntil: null });
  if (dueTimes.length === 0) return { kind: 'caught-up', runs: 0 };
  const { maxQueued, queued } = await countPlaces(tx, tenantId);
  if (maxQueued !== null && queued + dueTimes.length > maxQueued)
    return { kind: 'no-place', wanted: dueTimes.length, maxQueued, queued };
  const runs = dueTimes.map((dueAt) => ({ dueAt, runId: asId.run(randomUUIDv7()) }));
  const made = await planCaughtUp(tx, { tenantId, scheduleId, skippedFor: 'paused', runs });
  return { kind: 'caught-up', runs: made.length };
}

/** Of the pause, or of the spec that came in it: what is due at that instant itself was asked for by the one before. */
function beginningOf({ pausedAt, specSince }: PausedSchedule, now: Date): Date {
  const pausedMs = (pausedAt ?? now).getTime();
  return new Date(specSince === null ? pausedMs : Math.max(pausedMs, specSince.getTime() + 1));
}
