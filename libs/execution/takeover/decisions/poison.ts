// Does a run kill its replicas? It has been lost in three deaths, and in two of them it was certainly
// running: a run's first loss alone proves nothing, since a replica that dies takes all that it held
// along, but from then on each start is written down, and from the second loss on it runs in quarantine.

const LOSSES = 3;
const CRASHES = 2;

export function isPoison({ losses, crashes }: { losses: number; crashes: number }): boolean {
  return losses >= LOSSES && crashes >= CRASHES;
}

/** What its dead letter says: the deaths, and the last error that the run itself reported before or between them. */
export function poisonError({
  losses,
  crashes,
  lastError,
}: {
  losses: number;
  crashes: number;
  lastError: { name: string; message: string } | null;
}): { name: 'Poison'; message: string } {
  const deaths = `expected the replica to survive the run, got ${losses} replicas that died while they held it, at least ${crashes} of them while it ran`;
  const last = lastError === null ? 'no attempt reported one' : `${lastError.name}: ${lastError.message}`;
  return { name: 'Poison', message: `${deaths}. Last error: ${last}` };
}
