// From where do the programs run when they can't run in node_modules? From a copy under /var/tmp, made once per version
// and owner. Every user can write to /var/tmp, so the copy is trusted only if it is ours and closed to other users. The
// system deletes files there after weeks of disuse, so they are counted each time.
import { chmod, cp, lstat, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

interface CopyOrder {
  readonly root: string;
  readonly version: string;
  readonly obstacle: string;
  readonly note: (line: string) => void;
  readonly copiesUnder?: string;
  /** Adds links and execute bits, see binaries.ts. */
  readonly complete: (root: string) => Promise<void>;
}

const SWAP_ATTEMPTS_MAX = 5;

/** The folder holding a complete `native` that every user can read. Safe to call from several processes at once. */
export async function copyBinaries(order: CopyOrder): Promise<string> {
  const owner = process.geteuid?.() ?? 0;
  const home = join(order.copiesUnder ?? '/var/tmp', `carillon-postgres-${order.version}-${owner}`);
  if (await isWhole(home, order.root, owner)) return home;
  const fresh = await mkdtemp(`${home}.`); // mode 700 and an unguessable name: no other user can put a file there
  try {
    await cp(join(order.root, 'native'), join(fresh, 'native'), { recursive: true, verbatimSymlinks: true });
    await order.complete(fresh);
    await openToReaders(fresh);
    await putInPlace(fresh, home, () => isWhole(home, order.root, owner));
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  order.note(`PostgreSQL's programs run from a copy in ${home}, because ${order.obstacle} in ${order.root}`);
  return home;
}

async function putInPlace(fresh: string, home: string, isGood: () => Promise<boolean>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(fresh, home);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException; // rename fails with nothing else
      if ((code !== 'ENOTEMPTY' && code !== 'EEXIST') || attempt === SWAP_ATTEMPTS_MAX) throw error;
    }
    if (await isGood()) return; // another process was faster
    // The copy there has lost files. A server running from it keeps its mapped files, so the copy may be swapped.
    const worn = `${fresh}.worn`;
    await rename(home, worn).catch(() => undefined); // gone: another process is swapping it too
    await rm(worn, { recursive: true, force: true });
  }
}

async function isWhole(home: string, root: string, owner: number): Promise<boolean> {
  const found = await lstat(home).catch(() => undefined);
  if (found === undefined) return false;
  if (!found.isDirectory() || found.uid !== owner || (found.mode & 0o022) !== 0) {
    throw new EmbeddedPostgresError(
      `expected ${home} to be a folder of uid ${owner} that others can't write, got uid ${found.uid}, ` +
        `mode ${(found.mode & 0o7777).toString(8)}; remove it`,
    );
  }
  const [wanted, present] = await Promise.all([sizes(root), sizes(home)]);
  return [...wanted].every(([path, size]) => present.get(path) === size);
}

async function sizes(root: string): Promise<Map<string, number>> {
  const native = join(root, 'native');
  const entries = await readdir(native, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      paths.map(async (path) => [path.slice(native.length), (await stat(path)).size] as const),
    ),
  );
}

async function openToReaders(root: string): Promise<void> {
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const isOpen = entry.isDirectory() || entry.parentPath.endsWith('/native/bin');
    await chmod(join(entry.parentPath, entry.name), isOpen ? 0o755 : 0o644);
  }
}
