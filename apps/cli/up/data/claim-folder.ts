// Is the data folder ours now? Only when no other `up` runs on it, when the replicas of a start that was killed are
// gone, and when data that should be forgotten has been deleted, in this order.
import { CliError } from '../../cli-error.js';
import { clearDataFolder, openDataFolder, type DataFolder } from './data-folder.js';
import { endLeftoverReplicas } from './leftovers.js';
import type { UpOptions } from '../terminal/options.js';
import { isRunning } from '../processes/process-lookup.js';
import type { Shutdown } from '../processes/shutdown.js';
import { readUpFile } from './up-file.js';
import { takeUpLock } from './up-lock.js';

/** As every `up` has it in its command line, wherever its clone lies. */
const UP_PROGRAM = 'apps/cli/main.js';

/** Rejects when another `up` runs on it, and says where to find that one. */
export async function claimDataFolder({ data }: UpOptions, shutdown: Shutdown): Promise<DataFolder> {
  const folder = await openDataFolder(data);
  const lock = await takeUpLock(folder.lock, (pid) => isRunning(pid, UP_PROGRAM));
  if (lock.kind === 'held') throw new CliError(await describeHolder(folder, lock.pid));
  shutdown.add({ stop: lock.release });
  return folder;
}

/** Ends what earlier starts have left running and, if so wished, deletes what they have left behind. */
export async function readyDataFolder(
  folder: DataFolder,
  { isFresh }: UpOptions,
  say: (line: string) => void,
): Promise<void> {
  await endLeftoverReplicas(folder.upFile, say);
  if (!isFresh) return;
  await clearDataFolder(folder);
  say(`what earlier starts left in ${folder.shown} is deleted`);
}

async function describeHolder({ shown, upFile }: DataFolder, pid: number): Promise<string> {
  const content = await readUpFile(upFile);
  const isUp = content?.pid === pid && content.apiUrls.length > 0;
  const where = isUp
    ? `at ${content.apiUrls.join(', ')} (docs: ${content.docsUrl})`
    : 'and is still starting';
  return (
    `${shown} is in use: Carillon is up already, as process ${pid}, ${where}. ` +
    'Stop it with Ctrl-C where it runs, or start another one beside it with --data DIR.'
  );
}
