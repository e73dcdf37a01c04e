// What must a member know before it enters the cluster? How to reach the database, as whom, and by which times it lives.
import type { Clock } from '#kernel/clock.js';
import type { ClusterSettings } from '#cluster/cluster-settings.js';
import type { ReplicaIdentity } from './replica.repository.js';

export interface MembershipOptions {
  /** For the control session: must reach a primary directly. */
  sessionUrl: string;
  /** For claims, settlements and leader writes. */
  workUrl: string;
  workConnections: number;
  /** Whether each work connection is a session of its own. */
  workPrepares: boolean;
  identity: Omit<ReplicaIdentity, 'incarnation'>;
  settings: ClusterSettings;
  clock: Clock;
  onError: (error: Error) => void;
}
