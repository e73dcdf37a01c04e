// Which durations keep the cluster together? Given in milliseconds; the relations between them are
// checked once at start, because a lease shorter than three beats turns every hiccup into a failover.
import { ConfigError } from '#kernel/errors.js';

export interface ClusterSettings {
  /**
   * How replicas are known to live. By their sessions: locks and beats on a direct connection, so that a
   * crash is seen at once. By leases alone: behind a pooler that breaks sessions; a crash is seen only when
   * the beats have stood still for a lease.
   */
  liveness: 'sessions' | 'leases';
  /** A replica beats this often. */
  heartbeatMs: number;
  /** A replica whose beats stand still for this long is declared dead. The server ends its control session then, too. */
  leaseMs: number;
  /** A replica stops trusting itself this long before its lease ends. */
  marginMs: number;
  /** A follower tries the leader lock this often. */
  electionMs: number;
  /** The leader looks at everybody this often. */
  sweepMs: number;
  /** A replica whose sessions are gone has crashed if it is still gone so much later; below a sweep, so that the next look decides. */
  graceMs: number;
}

export const DEFAULT_CLUSTER_SETTINGS: ClusterSettings = {
  liveness: 'sessions',
  heartbeatMs: 1_000,
  leaseMs: 5_000,
  marginMs: 1_000,
  electionMs: 500,
  sweepMs: 300,
  graceMs: 150,
};

/** Throws ConfigError naming the first relation that does not hold. */
export function checkClusterSettings(settings: ClusterSettings): ClusterSettings {
  const { heartbeatMs, leaseMs, marginMs, electionMs, sweepMs, graceMs } = settings;
  require(leaseMs >=
    3 * heartbeatMs, `leaseMs must be at least 3 × heartbeatMs (${3 * heartbeatMs}), got ${leaseMs}`);
  require(marginMs >= leaseMs / 5, `marginMs must be at least leaseMs / 5 (${leaseMs / 5}), got ${marginMs}`);
  require(marginMs <
    leaseMs -
      heartbeatMs, `marginMs must be below leaseMs - heartbeatMs (${leaseMs - heartbeatMs}), got ${marginMs}`);
  require(electionMs > 0 &&
    electionMs < leaseMs, `electionMs must be between 1 and leaseMs (${leaseMs}), got ${electionMs}`);
  // A leader that looks less often than each quarter of a lease takes itself for asleep; half of that leaves a pass its time.
  require(sweepMs > 0 &&
    sweepMs <= leaseMs / 8, `sweepMs must be between 1 and leaseMs / 8 (${leaseMs / 8}), got ${sweepMs}`);
  require(graceMs >= 0 &&
    graceMs < sweepMs, `graceMs must be from 0 to below sweepMs (${sweepMs}), got ${graceMs}`);
  return settings;
}

function require(holds: boolean, message: string): void {
  if (!holds) throw new ConfigError(message);
}
