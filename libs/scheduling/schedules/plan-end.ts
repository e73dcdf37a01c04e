// Takes back what was planned for a schedule, before a change of it. The caller holds the schedule (held-schedule.ts).
// Due times from before the change that have not started are left behind as a gap where the change ends them, so that
// they get their rows in the ledger all the same.
import type { Tx } from '#database/connection.js';
import { placeAgain } from '#scheduling/following/following.repository.js';
import { leaveGap } from '#scheduling/planning/gap.repository.js';
import { revokePlanned } from './planned-run.repository.js';
import type { Schedule } from './schedule.repository.js';
import { forgetSkippedAhead } from './skip.repository.js';

/** Takes back the plan; the spec and the state that are stored decide its due times up to now (I1). */
export async function endPlan(
  tx: Tx,
  schedule: Schedule,
  { now, reason }: { now: Date; reason: string },
): Promise<void> {
  const from = earliest(schedule, await takeBack(tx, schedule, { alsoDue: true }));
  await leavePast(tx, schedule, { from, now, reason });
  await forgetSkippedAhead(tx, { scheduleId: schedule.id, now });
}

/** The spec and the state that are stored decide the due times up to now, and `reason` those that could have run. */
export async function leavePast(
  tx: Tx,
  { id: scheduleId }: Schedule,
  { from, now, reason }: { from: Date | null; now: Date; reason: string },
): Promise<void> {
  if (from === null || from > now) return;
  const to = new Date(now.getTime() + 1);
  await leaveGap(tx, { scheduleId, from, to, outcome: 'missed', reason });
}

/**
 * Takes back the plan, and returns where planning must begin again: null when nothing is due any more. What was due stays
 * due: its run may only start later, by the schedule's jitter.
 */
export async function goOnAt(tx: Tx, schedule: Schedule): Promise<Date | null> {
  return earliest(schedule, await takeBack(tx, schedule, { alsoDue: false }));
}

async function takeBack(tx: Tx, schedule: Schedule, which: { alsoDue: boolean }): Promise<Date[]> {
  const reopened = await revokePlanned(tx, schedule, which);
  if (schedule.spec?.kind === 'follow') await placeAgain(tx, schedule, reopened);
  return reopened;
}

function earliest({ nextDueAt }: Schedule, reopened: readonly Date[]): Date | null {
  const instants = [...reopened, ...(nextDueAt === null ? [] : [nextDueAt])];
  return instants.length === 0 ? null : new Date(Math.min(...instants.map((instant) => instant.getTime())));
}
