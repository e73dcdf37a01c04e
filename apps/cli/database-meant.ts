// The database that is meant: that of DATABASE_URL, or else that of the `npm start` that runs in the current folder.
import { join } from 'node:path';
import { CliError } from './cli-error.js';
import { dataFolder } from './up/data/data-folder.js';
import { readUpFile } from './up/data/up-file.js';
import type { Environment } from './world.js';

export async function runningHere(home: string): Promise<{ databaseUrl: string } | undefined> {
  return readUpFile(dataFolder(join(home, '.data')).upFile);
}

/** Throws CliError where there is neither. `what` says what is done with it. */
export function withDatabase(
  env: Environment,
  running: { databaseUrl: string } | undefined,
  what: string,
): Environment & { DATABASE_URL: string } {
  const url = env['DATABASE_URL'] ?? running?.databaseUrl;
  if (url !== undefined) return { ...env, DATABASE_URL: url };
  throw new CliError(
    `DATABASE_URL: expected the URL of the database to ${what}, got nothing; and no npm start runs here, whose database would be used`,
  );
}
