// Starts a PostgreSQL program so that every failure is a rejected promise. spawn reports some failures by throwing
// (setuid refused), and others by an 'error' event that ends the process when it has no listener (file not found). Both
// become one error that says what to do instead.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { spawnOptionsFor, type ServerUser } from './server-user.js';

interface Program {
  readonly path: string;
  readonly args: readonly string[];
  readonly user: ServerUser | undefined;
  readonly options: SpawnOptions;
}

export async function startProgram({ path, args, user, options }: Program): Promise<ChildProcess> {
  try {
    const child = spawn(path, args, { ...spawnOptionsFor(user), ...options });
    await once(child, 'spawn');
    child.on('error', () => undefined); // a signal that could not be sent: its sender checks the process itself
    return child;
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `expected to start ${path}${user ? ` as ${user.name}` : ''}, got ${String(cause)}; ` +
        'where that can not be put right (no glibc, as on Alpine, or no right to change user) set DATABASE_URL',
      { cause },
    );
  }
}
