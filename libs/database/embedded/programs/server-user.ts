// As which user may the server run, and what can that user reach? PostgreSQL refuses to run as root, and
// root is what containers and CI give us, so root hands the server to an existing system user. No user is
// ever created. Reach is read from the permission bits rather than by trying: a trial would have to be a
// program that the other user can start, which is the very thing in question.
import { chown, readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SpawnOptions } from 'node:child_process';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** `postgres` belongs to every packaged PostgreSQL; `nobody` is everywhere. */
const CANDIDATES = ['postgres', 'nobody'];

export const READ = 4;
export const ENTER = 1;

/** The user to hand the server to, or undefined when we aren't root and it simply runs as us. */
export async function findServerUser(passwdFile = '/etc/passwd'): Promise<ServerUser | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const users = (await readFile(passwdFile, 'utf8')).split('\n').map((line) => line.split(':'));
  for (const candidate of CANDIDATES) {
    const [name, , uid, gid] = users.find(([login]) => login === candidate) ?? [];
    if (name !== undefined && Number(uid) !== 0) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root: expected a user ${CANDIDATES.join(' or ')} in ${passwdFile}, got none; ` +
      'start as a normal user or set DATABASE_URL',
  );
}

/** The options of every PostgreSQL program that we spawn. None of our environment passes, least of all PGDATA and LC_*. */
export function spawnOptionsFor(user: ServerUser | undefined): SpawnOptions {
  return {
    cwd: '/', // the user may not be able to enter our own working directory
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }, // LC_ALL=C: we read its messages
    ...(user && { uid: user.uid, gid: user.gid }),
  };
}

/** Makes `path` the server's own. Root in a rootless container may hold no other user to give it to. */
export async function giveTo(user: ServerUser, path: string): Promise<void> {
  await chown(path, user.uid, user.gid).catch((cause: unknown) => {
    throw new EmbeddedPostgresError(
      `PostgreSQL does not run as root: expected to hand ${path} to user ${user.name}, got ${String(cause)}; ` +
        'start as a normal user or set DATABASE_URL',
      { cause },
    );
  });
}

/** True when `user` can pass every folder above `path` and holds the `wanted` bits on `path` itself. */
export async function canReach(user: ServerUser, path: string, wanted: number): Promise<boolean> {
  const real = await realpath(path);
  // A link is reached through the folders above it, its target through those above the target.
  const folders = new Set([...foldersAbove(path), ...foldersAbove(real)]);
  for (const folder of folders) {
    if (!(await holds(user, folder, ENTER))) return false;
  }
  return holds(user, real, wanted);
}

function foldersAbove(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [...foldersAbove(parent), parent];
}

async function holds(user: ServerUser, path: string, wanted: number): Promise<boolean> {
  const { uid, gid, mode } = await stat(path);
  // Exactly one class counts, as in the kernel: an owner without the bit isn't helped by the group's.
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
  return ((mode >> shift) & wanted) === wanted;
}
