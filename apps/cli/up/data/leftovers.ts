// Are replicas of an earlier start still running? A killed `up` can't stop its replicas; they notice and drain by
// themselves, and meanwhile they hold ports and runs. This start waits for them, and kills them when they take longer
// than a drain can. A leftover PostgreSQL is handled by libs/database/embedded.
import { setTimeout as rest } from 'node:timers/promises';
import { isRunning } from '../processes/process-lookup.js';
import { REPLICA_PROGRAM } from '../processes/replica-process.js';
import { readUpFile } from './up-file.js';

const PATIENCE_MS = 20_000;
const LOOK_MS = 50;

/** Call it only under the lock. */
export async function endLeftoverReplicas(upFile: string, say: (line: string) => void): Promise<void> {
  const replicas = (await readUpFile(upFile))?.replicas ?? [];
  const areLeft = async (): Promise<number[]> => {
    const found = await Promise.all(replicas.map(({ pid }) => isRunning(pid, REPLICA_PROGRAM)));
    return replicas.filter((_, index) => found[index]).map(({ pid }) => pid);
  };
  const atFirst = await areLeft();
  if (atFirst.length === 0) return;
  say(`an earlier start was killed; its replicas still drain (pid ${atFirst.join(', ')}), waiting for them`);
  const patience = AbortSignal.timeout(PATIENCE_MS);
  for (let left = atFirst; left.length > 0; left = await areLeft()) {
    if (patience.aborted) for (const pid of left) process.kill(pid, 'SIGKILL');
    await rest(LOOK_MS);
  }
}
