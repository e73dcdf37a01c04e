// Which replicas are dead? The leader judges by what the server shows and by its own monotonic clock alone. It compares
// no timestamps of processes, since a stepped clock would then kill healthy replicas.
//
// Crashed: the replica's lock is free, none of its sessions is left, and the server has not restarted since its
// last beat. All three are needed: a broken connection frees the lock while the replica lives, and a server that
// restarts, or recovers from a crash, frees every lock and ends every session at once. And all three at two sweeps, a
// grace apart, with no beat in between: a living replica whose connections were all reset is back by then.
// Hung: the beat counter has stood still for `deadAfterMs` while the leader itself was awake. When most of several
// peers seem hung at once, the fault is more likely ours or the network's than theirs: the leader then waits as long
// once more before it believes it.
import type { ReplicaNumber } from '#kernel/ids.js';
import type { LeaderWatch } from '#cluster/leadership/decisions/leader-watch.js';

export interface ReplicaSighting {
  replica: ReplicaNumber;
  beat: number;
  lockHeld: boolean;
  sessions: number;
  /** False when the server has started, or recovered from a crash, since this replica's last beat. */
  sameServer: boolean;
}

interface Observation {
  beat: number;
  changedAtMs: number;
  /** Since when its lock has been free and its sessions gone; null while they are not. */
  goneSinceMs: number | null;
}

/** What a leader remembers between sweeps. */
export interface LivenessMemory {
  sweptAtMs: number | null;
  /** Since when most peers have seemed hung; null while they don't. */
  massHangSinceMs: number | null;
  observations: ReadonlyMap<ReplicaNumber, Observation>;
}

export const NOTHING_OBSERVED: LivenessMemory = {
  sweptAtMs: null,
  massHangSinceMs: null,
  observations: new Map(),
};

/**
 * The first memory of a new leader: its own watch over the former leader, and nothing of the other replicas, which
 * gives them their full time. Without the watch a frozen leader would keep its slots for two limits: one until another
 * replica leads, and one more.
 */
export function inheritedMemory(predecessor: LeaderWatch | null): LivenessMemory {
  if (predecessor === null) return NOTHING_OBSERVED;
  const { sighting, changedAtMs, seenAtMs } = predecessor;
  const { leader, leaderBeat } = sighting;
  if (leader === null || leaderBeat === null) return NOTHING_OBSERVED;
  const observations = new Map([[leader, { beat: leaderBeat, changedAtMs, goneSinceMs: null }]]);
  return { sweptAtMs: seenAtMs, massHangSinceMs: null, observations };
}

export interface Death {
  replica: ReplicaNumber;
  reason: 'crashed' | 'hung';
  /** How long its beat had stood still when it was judged. */
  silentMs: number;
}

export interface LivenessInput {
  memory: LivenessMemory;
  sightings: readonly ReplicaSighting[];
  self: ReplicaNumber;
  nowMs: number;
  deadAfterMs: number;
  /** How long a replica's sessions must have been gone for a crash. */
  crashedAfterMs: number;
}

/** With fewer peers than this, "most of them" says too little. */
const PEERS_MIN = 4;

export function judgeLiveness({
  memory,
  sightings,
  self,
  nowMs,
  deadAfterMs,
  crashedAfterMs,
}: LivenessInput): {
  memory: LivenessMemory;
  deaths: Death[];
} {
  // If the leader itself slept, the beats of others stood still only from its view, and a replica that was gone before
  // may have slept on the same machine: start observing anew.
  const slept = memory.sweptAtMs !== null && nowMs - memory.sweptAtMs > deadAfterMs / 4;
  const observations = new Map<ReplicaNumber, Observation>();
  const crashed: Death[] = [];
  const hung: Death[] = [];
  for (const sighting of sightings) {
    const last = slept ? undefined : memory.observations.get(sighting.replica);
    // A beat in between shows that the replica was back, however often its connections are reset.
    const before = last?.beat === sighting.beat ? last : undefined;
    const changedAtMs = before?.changedAtMs ?? nowMs;
    const goneSinceMs = isGone(sighting) ? (before?.goneSinceMs ?? nowMs) : null;
    observations.set(sighting.replica, { beat: sighting.beat, changedAtMs, goneSinceMs });
    if (sighting.replica === self) continue;
    const silentMs = nowMs - changedAtMs;
    if (goneSinceMs !== null && nowMs - goneSinceMs >= crashedAfterMs) {
      crashed.push({ replica: sighting.replica, reason: 'crashed', silentMs });
    } else if (silentMs >= deadAfterMs) {
      hung.push({ replica: sighting.replica, reason: 'hung', silentMs });
    }
  }
  const peers = sightings.filter((sighting) => sighting.replica !== self).length;
  const massHangSinceMs =
    peers >= PEERS_MIN && hung.length > peers / 2 ? (memory.massHangSinceMs ?? nowMs) : null;
  const believed = massHangSinceMs === null || nowMs - massHangSinceMs >= deadAfterMs;
  return {
    memory: { sweptAtMs: nowMs, massHangSinceMs, observations },
    deaths: believed ? [...crashed, ...hung] : crashed,
  };
}

function isGone({ lockHeld, sessions, sameServer }: ReplicaSighting): boolean {
  return !lockHeld && sessions === 0 && sameServer;
}
