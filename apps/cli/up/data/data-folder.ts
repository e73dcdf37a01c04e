// The files that are kept between starts, with their names. They lie in one folder, so that they can be examined,
// copied, or deleted by --fresh, which deletes these names only and never a folder given by mistake.
import { rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { removeEmbeddedPostgres } from '#database/embedded/embedded-postgres.js';

export interface DataFolder {
  readonly path: string;
  /** The path for people: relative where it lies below the current folder. */
  readonly shown: string;
  readonly postgres: string;
  readonly logs: string;
  readonly sideLog: string;
  readonly adminKey: string;
  readonly upFile: string;
  readonly lock: string;
}

/** Relative paths start at the current folder, which is the project's in a clone. */
export function dataFolder(wanted: string): DataFolder {
  const path = resolve(wanted);
  const fromHere = relative(process.cwd(), path);
  return {
    path,
    shown: fromHere === '' || fromHere.startsWith('..') ? path : fromHere,
    postgres: join(path, 'postgres'),
    logs: join(path, 'logs'),
    sideLog: join(path, 'side-log.ndjson'),
    adminKey: join(path, 'admin-key'),
    upFile: join(path, 'up.json'),
    lock: join(path, 'up.lock'),
  };
}

/**
 * Deletes the files of earlier starts, and stops a PostgreSQL that still runs on them. Call it only under the lock.
 */
export async function clearDataFolder(folder: DataFolder): Promise<void> {
  await removeEmbeddedPostgres(folder.postgres);
  for (const path of [folder.logs, folder.sideLog, folder.adminKey])
    await rm(path, { recursive: true, force: true });
}
