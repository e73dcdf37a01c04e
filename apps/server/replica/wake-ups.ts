// Connects events, and the hints of other replicas, to the loops that they wake. A wake-up is a shortcut: without it the
// same pass would come a little later by itself. Calls that must not be missed are in subscriptions.ts.
import type { Hint } from '#cluster/hints/hints-loop.js';
import type { Slot } from '#kernel/ids.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { LEASE_WAITERS } from '../http/workers/lease-waiters.js';
import type { LoopTimers } from '../loop-timers.js';
import type { Replica } from './replica.js';

/** Woken when a run has ended. */
export const RUN_WAITERS = { name: 'run-waiters' };
/** Woken when a lock that is waited for was released. */
export const LOCK_WAITERS = { name: 'lock-waiters' };

type Wake = (...loops: { name: string }[]) => () => void;

/** The parts of a replica that a function here connects. */
type Parts<Name extends keyof Replica> = Pick<Replica, Name>;

type TermParts = Parts<
  | 'election'
  | 'following'
  | 'gaps'
  | 'horizon'
  | 'leadership'
  | 'lookout'
  | 'planner'
  | 'revocation'
  | 'suspension'
  | 'sweep'
>;
type FollowingParts = Parts<
  | 'calendars'
  | 'claim'
  | 'election'
  | 'following'
  | 'gaps'
  | 'heldWatch'
  | 'leadership'
  | 'membership'
  | 'overdueRuns'
  | 'ownerUrls'
  | 'ownership'
  | 'planner'
  | 'runLocks'
  | 'takingIn'
>;
type ReportParts = Parts<'notes' | 'progress' | 'runLog' | 'runLogLoop'>;
type WaitParts = Parts<'hints' | 'membership' | 'settleLoop'>;
type LockParts = Parts<'hints' | 'runLocks' | 'settleLoop' | 'start'>;
type WakingParts = Parts<'heartbeat' | 'running' | 'start'> &
  TermParts &
  FollowingParts &
  ReportParts &
  WaitParts &
  LockParts;

export function connectWakeUps(parts: WakingParts, timers: LoopTimers): void {
  const { membership, hints, ownership, ownerUrls, running, settleLoop, claim, start, heldWatch } = parts;
  const { election, heartbeat } = parts;
  const wake: Wake =
    (...loops) =>
    () => {
      for (const loop of loops) timers.wake(loop);
    };

  membership.draining.subscribe(() => hints.send({ kind: 'term' }));
  membership.expelled.subscribe(wake(heartbeat, start));
  membership.cutOff.subscribe(wake(heartbeat));
  connectTerm(parts, wake);
  parts.lookout.found.subscribe((loops) => {
    for (const loop of loops) timers.wakeAsleep(loop);
  });
  ownership.changed.subscribe(wake(claim));

  // These loops do nothing before the first beat of an incarnation, or of a session, is answered.
  let isTrusted = false;
  const doubt = (): void => {
    isTrusted = false;
  };
  membership.joined.subscribe(doubt);
  membership.cutOff.subscribe(doubt);
  membership.beaten.subscribe(() => {
    if (!isTrusted) wake(election, ownership, ownerUrls, hints, claim, start, heldWatch)();
    isTrusted = true;
  });

  let ringVersion = -1;
  membership.beaten.subscribe((beat) => {
    if (beat.ringVersion !== ringVersion) wake(ownership, ownerUrls)();
    ringVersion = beat.ringVersion;
  });

  hints.pending.subscribe(wake(hints));
  hints.received.subscribe((hint) => follow(hint, parts, timers));

  connectReports(parts, timers);
  connectWaits(parts, timers);
  connectLocks(parts, timers);
  claim.claimed.subscribe(wake(start, heldWatch));
  parts.takingIn.waits.subscribe(() => timers.wakeAsleep(parts.takingIn));
  claim.reopened.subscribe(wake(start));
  running.changed.subscribe(() => timers.wakeSoon(start));
  settleLoop.pending.subscribe(() => timers.wakeSoon(settleLoop));
  settleLoop.settled.subscribe(wake(claim));
  settleLoop.freed.subscribe((slots) => {
    claim.hint(slots);
    timers.wake(claim);
  });
  settleLoop.parked.subscribe(() => hints.send({ kind: 'offers' }));
}

/** Wakes the loops of a leader when its term begins, and a loop when another leaves it work. */
function connectTerm(parts: TermParts, wake: Wake): void {
  const { leadership, election, lookout, sweep, planner, gaps, suspension, following, revocation, horizon } =
    parts;
  const led = [lookout, ...lookout.loops, sweep, planner, gaps, suspension, revocation, horizon];
  leadership.began.subscribe(wake(...led));
  leadership.ended.subscribe(wake(election));
  planner.gapsLeft.subscribe(wake(gaps));
  following.found.subscribe(wake(planner));
  sweep.died.subscribe(wake(revocation));
}

/** New runs wait in these slots. Our own slots are scanned at once, and only the owners of others need a hint. */
export function hintWork(
  { ownership, claim, hints }: Parts<'claim' | 'hints' | 'ownership'>,
  timers: LoopTimers,
  slots: readonly Slot[],
): void {
  const ours = slots.filter((slot) => ownership.serving.has(slot));
  const others = slots.filter((slot) => !ownership.serving.has(slot));
  if (others.length > 0) hints.send({ kind: 'work', slots: others });
  if (ours.length === 0) return;
  claim.hint(ours);
  // Not soon but now: the claim's first statement is on its way before the answer to the request is put together.
  timers.wake(claim);
}

function follow(hint: Hint, parts: FollowingParts, timers: LoopTimers): void {
  const {
    leadership,
    election,
    gaps,
    following,
    calendars,
    planner,
    ownership,
    ownerUrls,
    heldWatch,
    overdueRuns,
    claim,
    runLocks,
    membership,
  } = parts;
  switch (hint.kind) {
    case 'term':
      if (hint.to !== undefined) leadership.yieldTo(hint.to);
      return timers.wake(election);
    case 'plan':
      timers.wake(gaps);
      timers.wake(following);
      timers.wake(calendars);
      return timers.wake(planner);
    case 'slots':
      timers.wake(ownerUrls);
      return timers.wake(ownership);
    case 'cancel':
      heldWatch.hint();
      timers.wake(heldWatch);
      return timers.wake(overdueRuns);
    case 'offers':
      return timers.wake(LEASE_WAITERS);
    case 'ended':
      return timers.wake(RUN_WAITERS);
    case 'locks':
      if (hint.to !== undefined && hint.to !== membership.incarnation?.replica) return;
      timers.wake(LOCK_WAITERS);
      return timers.wake(runLocks);
    case 'awaited':
      return; // see connectWaits
    case 'work':
      claim.hint(hint.slots);
      return timers.wake(claim);
  }
}

/** Longer than the pause between two hints of a replica whose callers wait. */
const AWAITED_MS = 5_000;

/** Sends hints about ends to other replicas only while callers wait for some there. */
function connectWaits({ hints, membership, settleLoop }: WaitParts, timers: LoopTimers): void {
  let toldUntilMs = Number.NEGATIVE_INFINITY;
  hints.received.subscribe((hint) => {
    const isElsewhere = hint.kind === 'awaited' && hint.by !== membership.incarnation?.replica;
    if (!isElsewhere) return;
    toldUntilMs = systemClock.monotonicMs() + AWAITED_MS;
    settleLoop.awaitEnds(toldUntilMs);
  });
  settleLoop.settled.subscribe(() => {
    timers.wake(RUN_WAITERS);
    if (systemClock.monotonicMs() < toldUntilMs) hints.send({ kind: 'ended' });
  });
}

/** Runs and callers, here and elsewhere, wait in the same lines. */
function connectLocks({ hints, runLocks, settleLoop, start }: LockParts, timers: LoopTimers): void {
  const tell = (): void => {
    timers.wake(LOCK_WAITERS);
    timers.wake(runLocks);
    hints.send({ kind: 'locks' });
  };
  settleLoop.released.subscribe(tell);
  runLocks.released.subscribe(tell);
  runLocks.waiting.subscribe(() => timers.wake(runLocks));
  runLocks.opened.subscribe(() => timers.wakeSoon(start));
}

function connectReports({ runLog, runLogLoop, notes, progress }: ReportParts, timers: LoopTimers): void {
  runLog.pending.subscribe(() => timers.wake(runLogLoop));
  runLog.ended.subscribe(() => timers.wake(runLogLoop));
  notes.pending.subscribe(() => timers.wake(progress));
}
