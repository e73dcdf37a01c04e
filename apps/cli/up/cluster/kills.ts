// Whom do the keys k and r kill? k whoever leads at this moment, r one of the others, and neither says what
// follows: a loss is a loss, and is told the same way whoever caused it.
import type { ClusterWatch } from './cluster-watch.js';
import type { ReplicaSet } from '../processes/replica-set.js';

export async function killLeader(watch: ClusterWatch, replicas: ReplicaSet): Promise<string | undefined> {
  const { leader } = await watch.look();
  if (leader === null) return 'nobody leads just now; try again in a moment';
  if (!watch.isOurs(leader)) return `${leader.name} leads, at ${leader.url}, but it was not started here`;
  replicas.kill(leader.name);
  return undefined;
}

/** Returns what keeps it from killing, if anything does. */
export async function killOther(watch: ClusterWatch, replicas: ReplicaSet): Promise<string | undefined> {
  const { leader } = await watch.look();
  const others = watch.seats.filter(({ number }) => number !== leader?.number);
  const victim = others[Math.floor(Math.random() * others.length)];
  if (victim === undefined) return 'there is no replica besides the leader just now; k kills the leader';
  replicas.kill(victim.name);
  return undefined;
}
