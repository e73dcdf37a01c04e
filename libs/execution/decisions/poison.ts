// Does a run kill its replicas? It has been lost in three deaths, and in two of them it was certainly
// running: a run's first loss alone proves nothing, since a replica that dies takes all that it held
// along, but from then on each start is written down, and from the second loss on it runs in quarantine.

const LOSSES = 3;
const CRASHES = 2;

export function isPoison({ losses, crashes }: { losses: number; crashes: number }): boolean {
  return losses >= LOSSES && crashes >= CRASHES;
}

export const POISON = {
  name: 'Poison',
  message: `expected the replica to survive the run, got ${LOSSES} replicas that died while they held it, at least ${CRASHES} of them while it ran`,
};
