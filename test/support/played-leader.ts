// A leader that is played through sweeps on its own clock: for tests of what it concludes from what it sees.
import type { LeaderWatch } from '#cluster/leadership/decisions/leader-watch.js';
import {
  inheritedMemory,
  judgeLiveness,
  type Death,
  type ReplicaSighting,
} from '#cluster/sweep/decisions/liveness.js';
import { asId } from '#kernel/ids.js';

export const deadAfterMs = 5_000;
export const sweepMs = 250;
export const crashedAfterMs = 125;
export const self = asId.replica(1);
export const peer = asId.replica(2);

/** A healthy replica, but for what the test is about. */
export const sighting = (wish: Partial<ReplicaSighting> = {}): ReplicaSighting => ({
  replica: peer,
  beat: 7,
  lockHeld: true,
  sessions: 3,
  sameServer: true,
  ...wish,
});
export const crashed = { lockHeld: false, sessions: 0, sameServer: true };

export const beganAtMs = 1_000_000;

/** One term of a leader: what it remembers lives as long as this does. */
export function leader({ predecessor = null }: { predecessor?: LeaderWatch | null } = {}) {
  let memory = inheritedMemory(predecessor);
  let nowMs = beganAtMs;
  const sweep = (sightings: readonly ReplicaSighting[], { afterMs = sweepMs } = {}): Death[] => {
    nowMs += afterMs;
    const judged = judgeLiveness({ memory, sightings, self, nowMs, deadAfterMs, crashedAfterMs });
    memory = judged.memory;
    return judged.deaths;
  };
  /** Sweeps as often as it should and sees the same each time. */
  const sweepFor = (ms: number, sightings: readonly ReplicaSighting[]): Death[] =>
    Array.from({ length: ms / sweepMs }, () => sweep(sightings)).flat();
  return { sweep, sweepFor };
}
