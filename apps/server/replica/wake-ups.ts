// Who wakes whom? Every wake-up is a shortcut: without it the same pass would come a little later by itself.
import { LEASE_WAITERS } from '../http/lease-waiters.js';
import type { LoopTimers } from '../loop-timers.js';
import type { Replica } from './replica.js';

export function connectWakeUps(replica: Replica, timers: LoopTimers): void {
  const { membership, leadership, hints, ownership, executor, settleLoop, claim, start, sweep } = replica;
  const wake =
    (...loops: { name: string }[]) =>
    () => {
      for (const loop of loops) timers.wake(loop);
    };

  membership.draining.subscribe(() => {
    leadership.standDown('this replica is draining');
    hints.send({ kind: 'term' });
    start.releaseWaiting();
  });
  membership.joined.subscribe(wake(replica.election, ownership));
  membership.expelled.subscribe(wake(replica.heartbeat, start));
  membership.cutOff.subscribe(wake(replica.heartbeat));
  leadership.began.subscribe(wake(sweep, replica.planner, replica.revocation, replica.leaseSweep));
  leadership.ended.subscribe(wake(replica.election));
  sweep.died.subscribe(wake(replica.revocation));
  ownership.changed.subscribe(wake(claim));

  // Hints wait for a session, and claims for trust in it. Left alone they would sleep on for seconds.
  let isCutOff = false;
  membership.cutOff.subscribe(() => {
    isCutOff = true;
  });
  membership.beaten.subscribe(() => {
    if (isCutOff) wake(hints, claim, start)();
    isCutOff = false;
  });

  let ringVersion = -1;
  membership.beaten.subscribe((beat) => {
    if (beat.ringVersion !== ringVersion) timers.wake(ownership);
    ringVersion = beat.ringVersion;
  });

  hints.pending.subscribe(wake(hints));
  hints.received.subscribe((hint) => {
    if (hint.kind === 'term') {
      if (hint.to !== undefined) leadership.yieldTo(hint.to);
      timers.wake(replica.election);
    } else if (hint.kind === 'plan') timers.wake(replica.planner);
    else if (hint.kind === 'slots') timers.wake(ownership);
    else if (hint.kind === 'offers') timers.wake(LEASE_WAITERS);
    else {
      claim.hint(hint.slots);
      timers.wake(claim);
    }
  });

  claim.claimed.subscribe(wake(start));
  executor.changed.subscribe(wake(start));
  settleLoop.pending.subscribe(wake(settleLoop));
  settleLoop.settled.subscribe(wake(claim));
  settleLoop.offered.subscribe(() => hints.send({ kind: 'offers' }));
}
