// Where a connection may come from: the environment, the profiles of the user, and the `npm start` that runs in the
// current folder. All is read before the command line is, since its help tells what would be used.
import { join } from 'node:path';
import { CliError } from '../cli-error.js';
import type { Environment } from '../world.js';
import { profilesPath, readProfiles, type Profiles } from './profiles.js';
import { readRegular } from './regular-file.js';

export interface Sources {
  readonly env: Environment;
  /** Or why they can't be read, which is told to a command that needs them. */
  readonly profiles: Profiles | CliError;
  readonly here: Here;
}

/** What `npm start` has left in the current folder. */
interface Here {
  /** Empty while none runs. */
  readonly urls: readonly string[];
  /** It is kept from one start to the next. */
  readonly adminKey: string | null;
}

/** One URL: a list of several has commas. */
const LOOPBACK = /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/[^,\s]*)?$/i;

export function isOfThisMachine(url: string): boolean {
  return LOOPBACK.test(url);
}

export async function findSources(env: Environment, home: string): Promise<Sources> {
  const [profiles, here] = await Promise.all([
    readProfiles(profilesPath(env)).catch((error: unknown) => {
      if (error instanceof CliError) return error;
      throw error;
    }),
    findHere(join(home, '.data')),
  ]);
  return { env, profiles, here };
}

async function findHere(data: string): Promise<Here> {
  const [upFile, adminKey] = await Promise.all([
    readRegular(join(data, 'up.json')).catch(() => '{}'),
    readRegular(join(data, 'admin-key')).catch(() => ''),
  ]);
  return { urls: urlsIn(upFile), adminKey: adminKey.trim() === '' ? null : adminKey.trim() };
}

/**
 * None of a file of another program; and of this machine alone, since a folder that came from elsewhere may hold such a
 * file, and a key may go there.
 */
function urlsIn(upFile: string): string[] {
  try {
    const { apiUrls } = JSON.parse(upFile) as { apiUrls?: unknown };
    return Array.isArray(apiUrls)
      ? apiUrls.filter((url) => typeof url === 'string' && isOfThisMachine(url))
      : [];
  } catch {
    return [];
  }
}
