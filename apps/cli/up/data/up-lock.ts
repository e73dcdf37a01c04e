// May this process use the data folder? One `up` at a time may: two would start two PostgreSQL servers on one
// directory. The lock is a folder with one file, named for the process that holds it. It is prepared elsewhere and
// renamed into place, which works only onto a missing or empty folder, so it is never seen without its owner. The
// lock of a dead process is broken by deleting the file of just that name: two processes that find it at once can't
// break each other's lock.
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type LockAttempt =
  | { readonly kind: 'taken'; readonly release: () => Promise<void> }
  | { readonly kind: 'held'; readonly pid: number };

/** More deaths than this between two attempts are no race but a bug. */
const BREAKS_MAX = 100;

/** `isHolder` returns whether a process id still belongs to a process that may hold the lock. */
export async function takeUpLock(
  path: string,
  isHolder: (pid: number) => Promise<boolean>,
): Promise<LockAttempt> {
  const own = String(process.pid);
  const prepared = `${path}.${own}`;
  await mkdir(prepared, { recursive: true });
  await writeFile(join(prepared, own), '');
  try {
    for (let broken = 0; broken < BREAKS_MAX; broken++) {
      // Before the rename: a lock left by an earlier process with our id must not pass for ours.
      const holder = await holderOf(path);
      if (holder !== undefined && (await isHolder(holder))) return { kind: 'held', pid: holder };
      if (holder !== undefined) await rm(join(path, String(holder)), { force: true });
      if (await moveInto(path, prepared)) return { kind: 'taken', release: () => release(path, own) };
    }
  } finally {
    await rm(prepared, { recursive: true, force: true });
  }
  throw new Error(
    `expected ${path} to be a lock, got something that comes back each time it is broken; delete it`,
  );
}

async function holderOf(path: string): Promise<number | undefined> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names[0] === undefined ? undefined : Number(names[0]);
}

async function moveInto(path: string, prepared: string): Promise<boolean> {
  try {
    await rename(prepared, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // rename fails with nothing else
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

async function release(path: string, own: string): Promise<void> {
  await rm(join(path, own), { force: true });
  // The empty folder means "free" as well; it is only tidied away, unless another process holds it already.
  await rmdir(path).catch(() => undefined);
}
