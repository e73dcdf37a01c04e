// Which replica should lead instead of this leader? A replica with a higher preference takes leadership back when it
// has returned, by a clean hand-over. It must have beaten steadily for a while first: a replica that comes and goes
// would otherwise move leadership each time.
import type { ReplicaNumber } from '#kernel/ids.js';

export interface Candidate {
  replica: ReplicaNumber;
  state: 'active' | 'draining';
  roles: readonly string[];
  preference: number;
}

export interface PreferredLeaderInput {
  candidates: readonly Candidate[];
  self: ReplicaNumber;
  /** Since when this leader has seen the replica beat without a pause, on its own clock. */
  steadySinceMs: (replica: ReplicaNumber) => number | null;
  nowMs: number;
  steadyMs: number;
}

/** Null when no replica is preferred to this leader. Among equals the lowest number is chosen, so that all agree. */
export function preferredLeader({
  candidates,
  self,
  steadySinceMs,
  nowMs,
  steadyMs,
}: PreferredLeaderInput): ReplicaNumber | null {
  const mine = candidates.find((candidate) => candidate.replica === self)?.preference ?? 0;
  const better = candidates.filter((candidate) => {
    const since = steadySinceMs(candidate.replica);
    const steady = since !== null && nowMs - since >= steadyMs;
    return (
      candidate.preference > mine &&
      candidate.state === 'active' &&
      candidate.roles.includes('scheduler') &&
      steady
    );
  });
  const [best] = better.toSorted((a, b) => b.preference - a.preference || a.replica - b.replica);
  return best?.replica ?? null;
}
