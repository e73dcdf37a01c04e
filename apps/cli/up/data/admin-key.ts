// The administrator's key for the person who started the cluster. It is made at the first start and stays the same,
// so that a shell or a script keeps working from one start to the next.
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { CliError } from '../../cli-error.js';

/** The replicas refuse a shorter key. */
const LENGTH_MIN = 32;

/** Call it only under the lock. */
export async function ensureAdminKey(path: string): Promise<string> {
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (kept !== undefined) return checked(kept.trim(), path);
  const key = `sk_admin_${randomBytes(32).toString('base64url')}`;
  await writeFile(path, `${key}\n`, { mode: 0o600 });
  return key;
}

function checked(key: string, path: string): string {
  if (key.length >= LENGTH_MIN) return key;
  throw new CliError(
    `expected ${path} to hold a key of at least ${LENGTH_MIN} characters, got ${key.length}; delete it`,
  );
}
