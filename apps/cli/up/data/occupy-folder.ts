// Occupies the data folder, in this order: no other `up` may run on it, the replicas of a killed start must be gone,
// and data to be forgotten is deleted.
import { mkdir } from 'node:fs/promises';
import { CliError } from '../../cli-error.js';
import { clearDataFolder, dataFolder, type DataFolder } from './data-folder.js';
import { endLeftoverReplicas } from './leftovers.js';
import type { UpOptions } from '../terminal/options.js';
import { isRunning } from '../processes/process-lookup.js';
import type { Shutdown } from '../processes/shutdown.js';
import { readUpFile } from './up-file.js';
import { takeUpLock } from './up-lock.js';

/** Part of the command line of every `up`, wherever its clone lies. */
const UP_PROGRAM = 'apps/cli/main.js';

/** Rejects when another `up` runs on it, with the place of that one. */
export async function occupyDataFolder({ data }: UpOptions, shutdown: Shutdown): Promise<DataFolder> {
  const folder = dataFolder(data);
  await mkdir(folder.path, { recursive: true });
  const lock = await takeUpLock(folder.lock, (pid) => isRunning(pid, UP_PROGRAM));
  if (lock.kind === 'held') throw new CliError(await describeHolder(folder, lock.pid));
  shutdown.add({ stop: lock.release });
  return folder;
}

/** Ends leftover processes of earlier starts and, with --fresh, deletes their data. */
export async function readyDataFolder(
  folder: DataFolder,
  { isFresh }: UpOptions,
  say: (line: string) => void,
): Promise<void> {
  await endLeftoverReplicas(folder.upFile, say);
  if (!isFresh) return;
  await clearDataFolder(folder);
  say(`the data of earlier starts in ${folder.shown} is deleted`);
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
