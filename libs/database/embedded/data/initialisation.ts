// How does an empty place become a PostgreSQL data directory? initdb fills a folder beside it, which is renamed when it
// is complete. So a directory with PG_VERSION is complete, and a crash in the middle leaves only
// `<directory>.initialising`, which the next start deletes. A foreign file in the way is refused, never deleted.
import type { SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from '#database/embedded/programs/binaries.js';
import type { Placement } from './data-placement.js';
import { EmbeddedPostgresError } from '#database/embedded/programs/embedded-postgres-error.js';
import { startProgram } from '#database/embedded/programs/program-start.js';
import { giveTo, type ServerUser } from '#database/embedded/programs/server-user.js';

export const SUPERUSER = 'carillon';
const INITDB_TIMEOUT_MS = 120_000;

interface Initialisation {
  readonly binaries: Binaries;
  readonly placement: Placement;
  readonly password: string;
  /** False leaves out initdb's fsync, for data that need not outlive a power cut. */
  readonly isDurable: boolean;
}

/** Makes the data directory. Only for a directory that `isInitialised` found missing or empty. */
export async function initialiseData({
  binaries,
  placement,
  password,
  isDurable,
}: Initialisation): Promise<void> {
  const { directory, user } = placement;
  const unfinished = `${directory}.initialising`;
  const passwordFile = `${unfinished}.pwfile`;
  await rm(unfinished, { recursive: true, force: true });
  await rm(passwordFile, { force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await chmod(unfinished, 0o700);
  try {
    await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
    if (user) await Promise.all([unfinished, passwordFile].map((path) => giveTo(user, path)));
    await runInitdb(binaries.initdb, initdbArguments({ unfinished, passwordFile, isDurable }), user);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(unfinished, directory);
}

/** Whether complete data of this major version is there. Rejects when something else is. */
export async function isInitialised(directory: string, major: number): Promise<boolean> {
  const entries = await readdir(directory).catch((): string[] => []);
  if (entries.length === 0) return false;
  if (!entries.includes('PG_VERSION')) {
    throw new EmbeddedPostgresError(
      `expected ${directory} to be empty or a PostgreSQL data directory, got ${entries.length} entries without PG_VERSION`,
    );
  }
  const found = (await readFile(join(directory, 'PG_VERSION'), 'utf8')).trim();
  if (found === String(major)) return true;
  throw new EmbeddedPostgresError(
    `expected data of PostgreSQL ${major}, the bundled version, in ${directory}, got data of PostgreSQL ${found}; ` +
      `move it over with pg_dumpall of version ${found}, or remove the directory to begin empty, or set DATABASE_URL`,
  );
}

function initdbArguments(paths: { unfinished: string; passwordFile: string; isDurable: boolean }): string[] {
  return [
    `--pgdata=${paths.unfinished}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${paths.passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The builtin provider sorts the same on every system; libc's C.UTF-8 is missing on macOS.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(paths.isDurable ? [] : ['--no-sync']),
  ];
}

async function runInitdb(path: string, args: string[], user: ServerUser | undefined): Promise<void> {
  const options: SpawnOptions = {
    timeout: INITDB_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  };
  const child = await startProgram({ path, args, user, options });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  await once(child, 'close');
  if (child.exitCode !== 0) {
    const lines = output.trim().split('\n').slice(-10).join('\n');
    throw new EmbeddedPostgresError(
      `expected initdb to finish, got ${child.exitCode ?? child.signalCode}:\n${lines}`,
    );
  }
}
