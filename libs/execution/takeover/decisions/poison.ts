// Does a run kill its replicas? It does if it was lost in three deaths and was certainly running in two of them. A
// first loss proves nothing, since a replica that dies loses all that it held. From then on each start is recorded, and
// from the second loss on the run executes in quarantine.

const LOSSES = 3;
const CRASHES = 2;

export function isPoison({ losses, crashes }: { losses: number; crashes: number }): boolean {
  return losses >= LOSSES && crashes >= CRASHES;
}

/** The error of its dead letter: the deaths, and the last error that the run itself reported before or between them. */
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
