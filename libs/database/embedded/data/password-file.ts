// The superuser's password: a random one, made once and kept beside the data directory, readable by its owner only. It
// is written before initdb runs, so there can be no data directory whose password is lost.
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { EmbeddedPostgresError } from '#database/embedded/programs/embedded-postgres-error.js';

const PASSWORD_BYTES = 24;

/** Reads the password, or makes it when there is no data yet that would need the old one. */
export async function ensurePassword({ file, hasData }: { file: string; hasData: boolean }): Promise<string> {
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (kept.trim() !== '') return kept.trim();
  if (hasData) {
    throw new EmbeddedPostgresError(
      `expected the database password in ${file}, got ${kept === '' ? 'nothing' : 'blanks'}; ` +
        'put it back from a copy, or remove the data directory to begin empty',
    );
  }
  const password = randomBytes(PASSWORD_BYTES).toString('base64url'); // no character that a URL would escape
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}
