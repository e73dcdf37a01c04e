// Is all well in the end? Once everything is healed there must be a leader, an owner for every slot, and no
// work left behind; and the ledger, the runs and the history must agree with each other.
import { asId } from '#kernel/ids.js';
import { fireKey, isLive, type RunRow } from './model-database.js';
import { forgottenHold } from './lock-promises.js';
import { forgottenBlock } from './strict-promises.js';
import type { SimulatedCluster } from './simulated-cluster.js';
import { perform } from './stage.js';
import { newestRing } from './statements/slots.js';

/** The longest attempt takes 4 s; what has been due for longer than this should have ended. */
const OVERDUE_MS = 7_000;
/** The leader looks each second. */
const UNSEEN_MS = 2_500;

/** What keeps the cluster from being whole; null when nothing does. */
export function unhealed(cluster: SimulatedCluster): string | null {
  const present = cluster.present();
  const outside = present.find((process) => {
    let isMember = false;
    perform(process, () => (isMember = process.replica.membership.trusted() !== null));
    return !isMember;
  });
  if (outside !== undefined) return `${outside.name} is no member`;
  const replicas = new Set(present.map((process) => process.incarnation?.replica));
  const leaders = present.filter((process) => {
    let leads = false;
    perform(process, () => (leads = process.replica.leadership.current() !== null));
    return leads;
  });
  if (leaders.length !== 1) return `${leaders.length} replicas lead`;
  for (const { slot, owner, target } of cluster.db.slot.rows()) {
    if (owner === null || !replicas.has(asId.replica(owner))) return `slot ${slot} belongs to ${owner}`;
    if (target !== null || cluster.db.replica.get(owner)?.state !== 'active')
      return `slot ${slot} is on its way from ${owner} to ${target}`;
  }
  const ghost = newestRing(cluster.db)?.members.find(({ replica }) => !replicas.has(asId.replica(replica)));
  if (ghost !== undefined) return `the ring lists replica ${ghost.replica}, which is gone`;
  return null;
}

/** What is left undone; null when nothing is. */
export function unfinished(cluster: SimulatedCluster): string | null {
  const { db, server, apiUser, processes, waitingCallers } = cluster;
  const [caller] = waitingCallers;
  if (caller !== undefined) return `${caller} still waits for its locks`;
  const forgotten = forgottenHold(db);
  if (forgotten !== null) return `${forgotten.holder} is over and holds ${forgotten.name}`;
  const blocking = forgottenBlock(db);
  if (blocking !== null) return `${blocking} is over and blocks its key`;
  const dead = db.claim.rows().find((claim) => !db.isLive(claim.replica));
  if (dead !== undefined)
    return `the claim ${dead.id} of replica ${dead.replica}, which has ended, is still there`;
  const unknown = db.claim.rows().find(({ id, replica }) => {
    const owner = processes.find((process) => !process.isGone && process.incarnation?.replica === replica);
    return owner !== undefined && owner.replica.held.leftInClaim(asId.claim(id)) === 0;
  });
  if (unknown !== undefined)
    return `the claim ${unknown.id} is unknown to its owner, replica ${unknown.replica}`;
  const overdue = db.run.rows().find((run) => run.runAtMs < server.wallMs() - OVERDUE_MS);
  if (overdue !== undefined)
    return `${describe(overdue)} has been due for ${Math.round(server.wallMs() - overdue.runAtMs)} ms`;
  const [late] = unended(cluster, OVERDUE_MS);
  if (late !== undefined) return `${describe(late)} was to be over long ago`;
  const undecided = db.fire
    .rows()
    .find((fire) => fire.outcome === 'planned' && fire.dueMs < server.wallMs() - OVERDUE_MS);
  if (undecided !== undefined)
    return `the fire ${fireKey(undecided.schedule, undecided.dueMs)} for ${undecided.run} is undecided`;
  const unplanned = db.schedule
    .rows()
    .find((row) => row.nextDueMs !== null && row.nextDueMs < server.wallMs());
  if (unplanned !== undefined)
    return `${unplanned.id} is planned up to ${server.wallMs() - (unplanned.nextDueMs ?? 0)} ms ago only`;
  const [undecidedGap] = db.gap.rows();
  if (undecidedGap !== undefined)
    return `${undecidedGap.schedule} is undecided from ${undecidedGap.fromMs} to ${undecidedGap.toMs}`;
  return apiUser.schedules.length === 0 ? 'no schedules were made' : null;
}

/** What is past its deadline, or was cancelled, and is still there. */
function unended({ db, server }: SimulatedCluster, forMs: number): RunRow[] {
  return db.run.rows().filter(({ deadlineMs, cancelRequestedAtMs }) => {
    const overAtMs = Math.min(deadlineMs ?? Infinity, cancelRequestedAtMs ?? Infinity);
    return overAtMs < server.wallMs() - forMs;
  });
}

/** Of these runs no claim holds the leader back; null when there is none. */
export function unendedAndFree(cluster: SimulatedCluster): string | null {
  const claimed = new Set(cluster.db.claim.rows().flatMap(({ runs }) => runs));
  const run = unended(cluster, UNSEEN_MS).find(({ id }) => !claimed.has(id));
  return run === undefined ? null : `${describe(run)} was to be over long ago, and no claim has it`;
}

export function judgeAccount({ db, world, invariants }: SimulatedCluster): void {
  for (const run of invariants.acknowledged) {
    const places = Number(db.run.get(run) !== null) + Number(db.history.get(run) !== null);
    if (places !== 1) world.violate('I5', `${run} was acknowledged and is in ${places} places`);
  }
  for (const run of invariants.cancelled) {
    const outcome = db.history.get(run)?.outcome;
    if (outcome !== 'cancelled' && !invariants.broughtBack.has(run))
      world.violate('I2', `${run} was said to be cancelled, and is ${outcome}`);
  }
  invariants.asked.judge();
  invariants.caughtUp.judge();
  for (const { schedule, run, outcome, dueMs } of db.fire.rows()) {
    const key = fireKey(schedule, dueMs);
    if (run === null) continue;
    const places = Number(db.run.get(run) !== null) + Number(db.history.get(run) !== null);
    if (places !== 1) world.violate('I5', `${run} of ${key} (${outcome}) is in ${places} places`);
  }
  for (const claim of db.claim.rows()) {
    if (!isLive(db.replica.get(claim.replica))) world.violate('I8', `claim ${claim.id} belongs to nobody`);
  }
  world.playUntil(world.nowMs);
}

function describe({ id, attempt, losses, failures, slot }: RunRow): string {
  return `${id} (slot ${slot}, attempt ${attempt}, ${losses} losses, ${failures} failures)`;
}
