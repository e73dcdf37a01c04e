// The durations that keep the cluster together, in milliseconds. Their relations are checked once at start, because a
// limit of fewer than three beats turns every hiccup into a failover.
import { ConfigError } from '#kernel/errors.js';

export interface ClusterSettings {
  /**
   * How replicas show that they live. By their sessions: locks and beats on a direct connection, so that a crash is
   * seen at once. By heartbeats alone, behind a pooler that breaks sessions: a crash is seen only when the beats have
   * stood still for `deadAfterMs`.
   */
  liveness: 'sessions' | 'heartbeats';
  /** A replica beats this often. */
  heartbeatMs: number;
  /**
   * A replica whose beats stand still for this long is declared dead. The server then ends its control session, too.
   */
  deadAfterMs: number;
  /** A replica stops trusting itself this long before the others may declare it dead. */
  marginMs: number;
  /** A follower tries the leader lock this often. */
  electionMs: number;
  /** The leader sweeps this often: it looks whether each replica lives. */
  sweepMs: number;
  /**
   * A replica whose sessions are gone has crashed if they are still gone after this time. Shorter than `sweepMs`, so
   * that the next sweep decides.
   */
  crashedAfterMs: number;
}

export const DEFAULT_CLUSTER_SETTINGS: ClusterSettings = {
  liveness: 'sessions',
  heartbeatMs: 1_000,
  deadAfterMs: 5_000,
  marginMs: 1_000,
  electionMs: 500,
  sweepMs: 300,
  crashedAfterMs: 150,
};

/** Throws ConfigError naming the first relation that does not hold. */
export function checkClusterSettings(settings: ClusterSettings): ClusterSettings {
  const { heartbeatMs, deadAfterMs, marginMs, electionMs, sweepMs, crashedAfterMs } = settings;
  require(deadAfterMs >=
    3 * heartbeatMs, `deadAfterMs must be at least 3 × heartbeatMs (${3 * heartbeatMs}), got ${deadAfterMs}`);
  require(marginMs >=
    deadAfterMs / 5, `marginMs must be at least deadAfterMs / 5 (${deadAfterMs / 5}), got ${marginMs}`);
  require(marginMs <
    deadAfterMs -
      heartbeatMs, `marginMs must be below deadAfterMs - heartbeatMs (${deadAfterMs - heartbeatMs}), got ${marginMs}`);
  require(electionMs > 0 &&
    electionMs <
      deadAfterMs, `electionMs must be between 1 and deadAfterMs (${deadAfterMs}), got ${electionMs}`);
  // A leader that sweeps less often than each quarter of `deadAfterMs` takes itself for asleep; half of that leaves a
  // pass its time.
  require(sweepMs > 0 &&
    sweepMs <=
      deadAfterMs / 8, `sweepMs must be between 1 and deadAfterMs / 8 (${deadAfterMs / 8}), got ${sweepMs}`);
  require(crashedAfterMs >= 0 &&
    crashedAfterMs <
      sweepMs, `crashedAfterMs must be from 0 to below sweepMs (${sweepMs}), got ${crashedAfterMs}`);
  return settings;
}

function require(holds: boolean, message: string): void {
  if (!holds) throw new ConfigError(message);
}
