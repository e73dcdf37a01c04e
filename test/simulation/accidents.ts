// What can go wrong? Each accident hits the replicas that are there at its instant. All of them end by themselves or with
// the healing, so that afterwards only the program's own mistakes are left.
import type { SimulatedReplica } from './simulated-replica.js';
import type { Session } from './session.js';
import type { SimulatedCluster } from './simulated-cluster.js';

interface Accident {
  readonly weight: number;
  readonly strike: (cluster: SimulatedCluster) => void;
}

const ACCIDENTS = {
  'a process is killed': { weight: 5, strike: (cluster) => kill(cluster) },
  'a process sleeps': { weight: 4, strike: (cluster) => freeze(cluster, cluster.random.between(0.05, 0.9)) },
  'a process sleeps for long': {
    weight: 5,
    strike: (cluster) => freeze(cluster, cluster.random.between(1, 2)),
  },
  'a process is cut off': { weight: 4, strike: cutOff },
  'a transaction is ambushed': { weight: 8, strike: ambush },
  'a process is slow': { weight: 2, strike: slowDown },
  'a session is terminated': { weight: 4, strike: (cluster) => terminate(cluster, 'one') },
  'a session ends behind an answer': { weight: 3, strike: endBehind },
  'the sessions of a replica are terminated': { weight: 2, strike: (cluster) => terminate(cluster, 'all') },
  'statements are refused': { weight: 2, strike: refuseStatements },
  'results are refused': { weight: 3, strike: refuseResults },
  'the server restarts': { weight: 2, strike: restart },
  'the clock of the server jumps': { weight: 2, strike: jump },
  'the clock of a process jumps': { weight: 1, strike: jumpAside },
  'a process joins': { weight: 4, strike: (cluster) => cluster.addProcess() },
  'a process leaves': { weight: 4, strike: (cluster) => leave(cluster) },
  'an operator ends the term': { weight: 1, strike: (cluster) => cluster.apiUser.endTerm() },
  'an operator drains a replica': { weight: 1, strike: drain },
  'a schedule is paused': { weight: 2, strike: pause },
  'a queue is paused': { weight: 2, strike: pauseQueue },
  'somebody cancels runs': { weight: 2, strike: cancel },
} satisfies Record<string, Accident>;

export type AccidentName = keyof typeof ACCIDENTS;

/** Each as often as it weighs. */
export const ACCIDENT_NAMES = Object.entries(ACCIDENTS).flatMap(
  ([name, { weight }]) => Array.from({ length: weight }, () => name as AccidentName), // these are its keys
);

export function strike(name: AccidentName, cluster: SimulatedCluster): void {
  ACCIDENTS[name].strike(cluster);
}

/** Statements after which a transaction is at its most delicate; twice those that are hard to hit. */
export const AMBUSHED: readonly string[] = [
  'isAlive',
  'claimRuns',
  'lookAndClaim',
  'lockClaims',
  'settleEnds',
  'settleEnds',
  'finishRuns',
  'retryRuns',
  'handOver',
  'holdTerm',
  'terminateSessions',
  'markDead',
  'markDead',
  'writePlans',
  'insertRing',
  'deleteVoidClaims',
  'requeueLost',
  'requestCancel',
  'endUnclaimed',
  'beginTerm',
  'ownerOfSlot',
  'ownerOfSlot',
];

/** What then goes wrong as well, often in the same process. */
const STRESSES: readonly ((cluster: SimulatedCluster, process?: SimulatedReplica) => void)[] = [
  leave,
  kill,
  (cluster) => terminate(cluster, 'one'),
  (cluster, process) => freeze(cluster, cluster.random.between(1, 2), process),
  (cluster) => cluster.addProcess(),
];

function kill(cluster: SimulatedCluster, process = cluster.someProcess()): void {
  if (process === undefined || process.isGone) return;
  process.kill();
  if (cluster.random.chance(0.6))
    cluster.world.after(cluster.random.between(100, 3_000), () => cluster.addProcess());
}

function freeze(cluster: SimulatedCluster, leases: number, process = cluster.someProcess()): void {
  if (process === undefined || process.isFrozen) return;
  cluster.world.headline(() => `--- ${process.name} sleeps`);
  process.isFrozen = true;
  cluster.world.after(
    leases * cluster.settings.deadAfterMs,
    () => process.isFrozen && cluster.world.thaw(process),
  );
}

function cutOff(cluster: SimulatedCluster): void {
  const process = cluster.someProcess();
  if (process === undefined || process.isCutOff) return;
  cluster.world.headline(() => `--- ${process.name} is cut off`);
  process.isCutOff = true;
  const ms = cluster.random.between(0.1, 2) * cluster.settings.deadAfterMs;
  cluster.world.after(ms, () => process.isCutOff && cluster.world.reconnect(process));
}

/** In the middle of a transaction its connection stalls, or its process falls asleep or dies. */
function ambush(cluster: SimulatedCluster): void {
  const { server, random, world, settings } = cluster;
  const statement = cluster.statementToAmbush ?? random.pick(AMBUSHED) ?? '';
  const fate = random.pick(['stalls', 'stalls', 'sleeps', 'dies']);
  const ms = random.between(0.05, 2) * settings.deadAfterMs;
  const strikeIn = ({ peer }: Session): void => {
    if (peer === null) return;
    const process = cluster.processes.find((each) => each === peer.actor);
    world.headline(() => `--- in the middle of it, ${peer.actor.name} ${fate ?? ''}`);
    if (fate === 'dies') process?.kill();
    else if (fate === 'sleeps' && process !== undefined) process.isFrozen = true;
    else peer.isStalled = true;
    world.after(ms, () => {
      if (process?.isFrozen === true) world.thaw(process);
      if (peer.isStalled) world.resume(peer);
    });
    if (statement === 'markDead' || statement === 'terminateSessions') stirTheDead(cluster);
    else if (random.chance(0.6))
      world.after(random.between(0, 500), () =>
        random.pick(STRESSES)?.(cluster, random.chance(0.5) ? process : undefined),
      );
  };
  server.ambush = { statement, strike: strikeIn };
}

/** The replica that is being declared dead wakes up just now, and is slow. */
function stirTheDead({ processes, world, random }: SimulatedCluster): void {
  for (const process of processes) {
    if (!process.isFrozen && !process.isCutOff) continue;
    process.slowness = random.between(20, 300);
    if (process.isFrozen) world.thaw(process);
    if (process.isCutOff) world.reconnect(process);
    world.after(4_000, () => (process.slowness = 1));
  }
}

function slowDown(cluster: SimulatedCluster): void {
  const process = cluster.someProcess();
  if (process === undefined) return;
  process.slowness = cluster.random.between(20, 500);
  cluster.world.after(cluster.random.between(500, 4_000), () => (process.slowness = 1));
}

function terminate({ server, random }: SimulatedCluster, extent: 'one' | 'all'): void {
  const session = random.pick([...server.sessions]);
  if (session === undefined) return;
  for (const other of server.sessions) {
    if (other === session || (extent === 'all' && other.applicationName === session.applicationName))
      server.terminate(other);
  }
}

/** Each is the last that is asked at some moment of opening a control session or of beating. */
const OPENING = [
  'limitSilence',
  'listen',
  'terminateBackend',
  'tryLivenessLock',
  'insertEvent',
  'nameSession',
  'beat',
];

/** Often of a session that resumes, because the one before it has just been ended. */
function endBehind(cluster: SimulatedCluster): void {
  cluster.server.endsBehind = cluster.random.pick(OPENING) ?? null;
  if (cluster.random.chance(0.8)) terminate(cluster, 'all');
}

/** For reasons that pass. */
function refuseStatements({ server: { refusals }, random, world }: SimulatedCluster): void {
  refusals.chance = random.pick([0.03, 0.2, 0.9]) ?? 0;
  world.after(random.between(50, 3_000), () => (refusals.chance = 0));
}

/** Of runs that are not over, often after ends have piled up, so that some of a batch are refused and others are not. */
function refuseResults({ server: { refusals }, random, db, invariants, world }: SimulatedCluster): void {
  for (const { id } of db.run.rows()) {
    if (!random.chance(0.3)) continue;
    refusals.results.add(id);
    invariants.refusedResults.add(id);
  }
  refusals.lossChance = random.pick([0, 0.1, 0.3]) ?? 0;
  if (random.chance(0.3)) return;
  refusals.chance = 0.9;
  world.after(random.between(100, 800), () => (refusals.chance = 0));
}

function restart({ server, random, world, settings }: SimulatedCluster): void {
  if (!server.isUp) return;
  server.crash();
  world.after(
    random.chance(0.7) ? random.between(50, 1_000) : random.between(0.5, 1.5) * settings.deadAfterMs,
    () => {
      if (!server.isUp) server.start();
    },
  );
}

/** Back by a little only: what is due then waits for its time to come again. */
function jump(cluster: SimulatedCluster): void {
  const ms = cluster.random.chance(0.3)
    ? -cluster.random.between(1_000, 8_000)
    : cluster.random.between(1_000, 30_000);
  cluster.server.wallOffsetMs += ms;
  if (ms < 0) cluster.invariants.limits.behindMs -= ms;
  else cluster.invariants.limits.aheadMs += ms;
}

function jumpAside(cluster: SimulatedCluster): void {
  const process = cluster.someProcess();
  if (process !== undefined) process.wallOffsetMs += cluster.random.between(-3_600_000, 3_600_000);
}

function leave(cluster: SimulatedCluster, process = cluster.someProcess()): void {
  if (process === undefined || process.isFrozen || process.isGone) return;
  process.leave(cluster.random.pick([0, 200, 2_000, 5_000]) ?? 0);
  if (cluster.random.chance(0.5))
    cluster.world.after(cluster.random.between(0, 2_000), () => cluster.addProcess());
}

function drain(cluster: SimulatedCluster): void {
  const replica = cluster.someProcess()?.incarnation?.replica;
  if (replica === undefined) return;
  cluster.apiUser.drain(replica);
  if (cluster.random.chance(0.7))
    cluster.world.after(cluster.random.between(500, 3_000), () => cluster.apiUser.returnAll());
}

function pause(cluster: SimulatedCluster): void {
  cluster.apiUser.changeSchedule({ kind: 'pause' });
  cluster.world.after(cluster.random.between(100, 4_000), () =>
    cluster.apiUser.changeSchedule({ kind: 'resume' }),
  );
}

function cancel({ apiUser, random }: SimulatedCluster): void {
  for (let count = random.whole(1, 4); count > 0; count -= 1) apiUser.cancel();
}

function pauseQueue(cluster: SimulatedCluster): void {
  const resume = cluster.apiUser.pauseQueue();
  cluster.world.after(cluster.random.between(100, 4_000), resume);
}
