// Skips the next due times of a schedule, on request. Each gets its row in the ledger at once. The run of one that is
// planned is taken back behind the owner's gate, as changes do. For one that is not, the row stands in the planner's way
// for good: it keeps its due time from getting a second row, and so from a run (I1). The next due time moves on past what
// was skipped, where nothing before it is undecided. The revision stays, since what the schedule says has not changed; a
// plan in the making finds either another next due time, or the rows.
import { holdOffClaims } from '#cluster/slots/claims-hold.js';
import { limitLockWait } from '#cluster/membership/replica-gate.js';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import { nextKnown } from '#scheduling/following/next-known.js';
import { noteForChain } from '#scheduling/following/following.repository.js';
import { nextSkips, nextUnskipped } from './decisions/next-skips.js';
import { GATE_WAIT_MS, type ScheduleRef } from './held-schedule.js';
import { lockSchedule, type Schedule } from './schedule.repository.js';
import * as rows from './skip.repository.js';

export interface SkipNext {
  /** How many due times. */
  count: number;
  /** The due times ahead of the revision that the caller has read, the soonest first. */
  ahead: readonly Date[];
  /** Whether no more will come. */
  areAll: boolean;
}

export type SkipResult =
  | { kind: 'skipped'; dueTimes: Date[]; schedule: Schedule }
  | { kind: 'not-found' }
  /** The schedule has changed since it was read, or other requests have skipped what was found for this one. */
  | { kind: 'outrun' };

/** Throws a lock timeout when the owner hangs: in a transaction that is under way, nothing of that can go on. */
export async function skipNext(
  db: Database,
  ref: Omit<ScheduleRef, 'by'>,
  wanted: SkipNext,
): Promise<SkipResult> {
  return inTransaction(db, async (tx) => {
    await limitLockWait(tx, GATE_WAIT_MS);
    await holdOffClaims(tx, ref.tenant.slot);
    const schedule = await lockSchedule(tx, { tenantId: ref.tenant.id, name: ref.name });
    if (schedule === undefined) return { kind: 'not-found' } as const;
    if (ref.revision !== null && ref.revision !== schedule.revision) return { kind: 'outrun' } as const;
    const dueTimes = await skip(tx, schedule, wanted);
    if (dueTimes === null) return { kind: 'outrun' } as const;
    const shown = await lockSchedule(tx, { tenantId: ref.tenant.id, name: ref.name });
    return { kind: 'skipped', dueTimes, schedule: shown ?? schedule } as const;
  });
}

/** Null, with nothing written, when too few were found. */
async function skip(tx: Tx, schedule: Schedule, { count, ahead, areAll }: SkipNext): Promise<Date[] | null> {
  const { id: scheduleId, tenantId } = schedule;
  const now = await databaseTime(tx);
  const outcomes = await rows.findOutcomes(tx, { scheduleId, dueTimes: ahead });
  const known = ahead.map((dueAt) => ({ dueAt, outcome: outcomes.get(dueAt.getTime()) ?? null }));
  const { planned, open } = nextSkips(known, { count, now });
  if (planned.length + open.length < count && !areAll) return null;
  const skipped = [
    ...(planned.length === 0 ? [] : await rows.skipPlannedAhead(tx, { scheduleId, dueTimes: planned })),
    ...(open.length === 0 ? [] : await rows.skipUnplanned(tx, { scheduleId, tenantId, dueTimes: open })),
  ].toSorted((a, b) => a.getTime() - b.getTime());
  const before = known.filter(({ outcome }) => outcome !== null).map(({ dueAt }) => dueAt);
  await moveOn(tx, schedule, { ahead, now, skipped: [...before, ...skipped] });
  if (schedule.spec?.kind === 'delay') await noteForChain(tx, schedule);
  return skipped;
}

async function moveOn(
  tx: Tx,
  { id: scheduleId, tenantId, spec, nextDueAt: from }: Schedule,
  { ahead, now, skipped }: { ahead: readonly Date[]; now: Date; skipped: readonly Date[] },
): Promise<void> {
  if (from === null || spec === null) return;
  const next = nextUnskipped(ahead, { from, now, skipped });
  if (next === from) return;
  const last = ahead.at(-1) ?? from;
  const behind = () => nextKnown(tx, { id: scheduleId, tenantId, spec }, last);
  await rows.moveNextDue(tx, { scheduleId, nextDueAt: next instanceof Date ? next : await behind() });
}
