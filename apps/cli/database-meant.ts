// The database that is meant: that of DATABASE_URL, or else that of the `npm start` that runs in the current folder.
import { join } from 'node:path';
import { CliError } from './cli-error.js';
import { dataFolder } from './up/data/data-folder.js';
import { readUpFile } from './up/data/up-file.js';
import type { Environment } from './world.js';

export async function runningHere(home: string): Promise<{ databaseUrl: string } | undefined> {
  const running = await readUpFile(dataFolder(join(home, '.data')).upFile);
  return running !== undefined && isOfThisMachine(running.databaseUrl) ? running : undefined;
}

/**
 * A folder that came from elsewhere may hold such a file, and a password of the shell's (PGPASSWORD) would go where it
 * says. A query may name another host.
 */
function isOfThisMachine(databaseUrl: string): boolean {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : null;
  return url !== null && url.search === '' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
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
