// The keys k and r: k kills the present leader, r one of the other replicas. Neither announces the result: every loss
// is reported in the same way, with or without a key.
import type { ClusterWatch } from './cluster-watch.js';
import type { ReplicaSet } from '../processes/replica-set.js';

export async function killLeader(watch: ClusterWatch, replicas: ReplicaSet): Promise<string | undefined> {
  const { leader } = await watch.look();
  if (leader === null) return 'no replica leads just now; try again in a moment';
  if (!watch.isOurs(leader)) return `${leader.name} leads, at ${leader.url}, but it was not started here`;
  replicas.kill(leader.name);
  return undefined;
}

/** Returns the obstacle, if there is one. */
export async function killOther(watch: ClusterWatch, replicas: ReplicaSet): Promise<string | undefined> {
  const { leader } = await watch.look();
  const others = watch.seats.filter(({ number }) => number !== leader?.number);
  const victim = others[Math.floor(Math.random() * others.length)];
  if (victim === undefined) return 'there is no replica besides the leader just now; k kills the leader';
  replicas.kill(victim.name);
  return undefined;
}
