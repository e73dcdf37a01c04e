// Connects the parts of a replica whose correctness depends on each other's events. One place subscribes for all of
// them, because a topic calls its listeners in the order in which they subscribed. Without these calls a part would
// act on outdated state; calls that only save time are wake-ups (wake-ups.ts).
import type { HintsLoop } from '#cluster/hints/hints-loop.js';
import type { ElectionLoop } from '#cluster/leadership/election-loop.js';
import type { Leadership } from '#cluster/leadership/leadership.js';
import type { DatabaseClock } from '#cluster/membership/database-clock.js';
import type { Membership } from '#cluster/membership/membership.js';
import type { OwnershipLoop } from '#cluster/slots/ownership-loop.js';
import type { Executor } from '#execution/attempts/executor.js';
import type { StartLoop } from '#execution/attempts/start-loop.js';
import type { ClaimLoop } from '#execution/claiming/claim-loop.js';
import { laneKey } from '#execution/runs/decisions/lane.js';
import type { RunLocks } from '#execution/locking/run-locks.js';
import type { RunLog } from '#execution/reports/run-log.js';
import type { RunLogLoop } from '#execution/reports/run-log-loop.js';
import type { SettleLoop } from '#execution/settling/settle-loop.js';

export interface MemberParts {
  membership: Membership;
  databaseClock: DatabaseClock;
  hints: HintsLoop;
  leadership: Leadership;
  ownership: OwnershipLoop;
  election: ElectionLoop;
}

/** Of a replica with the role `worker`. */
export interface ExecutingParts {
  membership: Membership;
  databaseClock: DatabaseClock;
  ownership: OwnershipLoop;
  claim: ClaimLoop;
  start: StartLoop;
  executor: Executor;
  settleLoop: SettleLoop;
  runLog: RunLog;
  runLocks: RunLocks;
  runLogLoop: RunLogLoop;
}

export function subscribeMember(parts: MemberParts): void {
  const { membership, databaseClock, hints, leadership, ownership, election } = parts;
  // The clock first: the other listeners may read it.
  membership.beaten.subscribe((answer) => databaseClock.onBeaten(answer));
  membership.beaten.subscribe((answer) => leadership.onBeaten(answer));
  membership.beaten.subscribe((answer) => election.see(answer));
  membership.hinted.subscribe((payload) => hints.onHinted(payload));
  membership.draining.subscribe(() => leadership.standDown('this replica is draining'));
  membership.cutOff.subscribe(() => leadership.standDown('the control session broke'));
  membership.expelled.subscribe(({ reason }) => leadership.standDown(reason));
  membership.expelled.subscribe(() => ownership.onExpelled());
}

/**
 * After `subscribeMember`: runs that the claim loop gives back once no slot is served must not outlive the expulsion.
 */
export function subscribeExecuting(parts: ExecutingParts): void {
  const { membership, ownership, claim, start, executor, settleLoop } = parts;
  ownership.changed.subscribe(() => claim.onOwnershipChanged());
  membership.draining.subscribe(() => start.giveBackWaiting());
  claim.paused.subscribe((lanes) => {
    const paused = new Set(lanes.map(laneKey));
    start.giveBackWaiting((run) => paused.has(laneKey(run)));
  });
  membership.expelled.subscribe(() => settleLoop.onExpelled());
  membership.expelled.subscribe(() => claim.onExpelled());
  membership.expelled.subscribe(({ reason }) => start.onExpelled(reason));
  const { databaseClock, runLog, runLogLoop, runLocks } = parts;
  runLog.ended.subscribe(() => runLogLoop.onAttemptsEnded());
  // The late result of a handler that was given up changes nothing, but its run's log shows it.
  executor.late.subscribe(({ runId, attempt, why, said }) => {
    const message = `the handler went on after its attempt was over (${why}), so its result (${said}) was discarded`;
    const line = { runId, attempt, at: databaseClock.now(), level: 'warn' as const, message };
    runLog.noteLogLines([line], membership.incarnation?.replica ?? null);
  });
  runLocks.unmet.subscribe(({ run: { id: runId, attempt }, why }) => {
    const message = `it can't have its locks, and asks again every few seconds: ${why}`;
    const line = { runId, attempt, at: databaseClock.now(), level: 'warn' as const, message };
    runLog.noteLogLines([line], membership.incarnation?.replica ?? null);
  });
}
