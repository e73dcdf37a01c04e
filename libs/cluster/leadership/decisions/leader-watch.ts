// Is the leader frozen? A leader that sleeps keeps its session and so the leader lock, at least until the server ends
// the session, and behind some poolers for ever. Its followers read its beat counter with each of their own beats. When
// the counter has stood still for `deadAfterMs`, by the follower's monotonic clock and while the follower itself was
// awake, the follower may end that session and stand for election.
import type { ReplicaNumber, Term } from '#kernel/ids.js';

export interface LeaderSighting {
  term: Term;
  leader: ReplicaNumber | null;
  leaderBeat: number | null;
}

export interface LeaderWatch {
  sighting: LeaderSighting;
  changedAtMs: number;
  seenAtMs: number;
}

export interface LeaderWatchInput {
  watch: LeaderWatch | null;
  sighting: LeaderSighting;
  nowMs: number;
  deadAfterMs: number;
}

export function watchLeader({ watch, sighting, nowMs, deadAfterMs }: LeaderWatchInput): {
  watch: LeaderWatch;
  frozen: ReplicaNumber | null;
} {
  // A follower that has not read it for half of that was asleep itself, and knows nothing of the time between.
  const slept = watch !== null && nowMs - watch.seenAtMs > deadAfterMs / 2;
  const moved = watch === null || slept || !sameSighting(watch.sighting, sighting);
  const changedAtMs = moved ? nowMs : watch.changedAtMs;
  const stoodStill = nowMs - changedAtMs >= deadAfterMs;
  return {
    watch: { sighting, changedAtMs, seenAtMs: nowMs },
    frozen: stoodStill && sighting.leaderBeat !== null ? sighting.leader : null,
  };
}

function sameSighting(a: LeaderSighting, b: LeaderSighting): boolean {
  return a.term === b.term && a.leader === b.leader && a.leaderBeat === b.leaderBeat;
}
