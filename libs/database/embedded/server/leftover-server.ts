// Is an earlier server still on this data directory? The server is detached, so a replica set that was killed leaves it
// running with a port and sessions of no use: it is stopped. A stale postmaster.pid may name an id that now belongs to
// another process. It is removed, because PostgreSQL would take any process of its user for a server and refuse to
// start; in a container small numbers recur at once.
import { rm } from 'node:fs/promises';
import { holderOf, postmasterPath, readPostmasterFile } from './postmaster-file.js';
import { endServer } from './server-stop.js';

/** Stops the server on this directory, if any, and returns its process id. */
export async function stopLeftoverServer(directory: string): Promise<number | undefined> {
  const left = await readPostmasterFile(directory);
  if (left === undefined) return undefined;
  switch (await holderOf(left.pid, directory)) {
    case 'server':
      await endServer({
        mode: 'fast',
        send: (signal) => sendIfAlive(left.pid, signal),
        isGone: async () => (await holderOf(left.pid, directory)) !== 'server',
      });
      return left.pid;
    case 'stranger':
      // Orphaned children of the dead server are still noticed: the new one finds its shared memory in use.
      await rm(postmasterPath(directory), { force: true });
      return undefined;
    case 'nobody':
    case 'unclear':
      return undefined; // PostgreSQL itself judges these rightly: it replaces the file, or refuses
  }
}

function sendIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended between the check and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
