// Where does the data lie on disk, and who owns it? In the folder asked for, except when root hands the server to a
// user who can't reach it (a checkout under /root): then under /var/tmp, in a folder named by the hash of that path, so
// that the same path finds the same data again. Existing data is never shadowed by an empty new place: it is used where
// it is, by its owner, or refused.
import { hash } from 'node:crypto';
import { chmod, lstat, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EmbeddedPostgresError } from '#database/embedded/programs/embedded-postgres-error.js';
import { canReach, ENTER, giveTo, type ServerUser } from '#database/embedded/programs/server-user.js';

export interface Placement {
  /** The directory that PostgreSQL gets as -D. */
  readonly directory: string;
  readonly user: ServerUser | undefined;
  readonly note?: string;
}

const MOVED_UNDER = '/var/tmp';

export async function placeData(asked: string, user: ServerUser | undefined): Promise<Placement> {
  await mkdir(dirname(asked), { recursive: true });
  const owner = await ownerOfData(asked);
  if (user === undefined) {
    refuseForeignData(asked, owner);
    return { directory: asked, user };
  }
  const moved = movedFolder(asked);
  if (owner !== undefined) return keepInPlace(asked, owner);
  const isMoved = (await ownerOfData(join(moved, 'data'))) !== undefined;
  if (!isMoved && (await canReach(user, dirname(asked), ENTER))) return { directory: asked, user };
  await claimFolder(moved, user);
  const note =
    `data is kept in ${join(moved, 'data')}, because PostgreSQL runs as user ${user.name}, who can't reach ${asked}; ` +
    `systems that clear ${MOVED_UNDER} may delete it after weeks of disuse`;
  return { directory: join(moved, 'data'), user, note };
}

/** The folder that stands in for `asked` where the server's user can't reach it; the data is in its `data`. */
export function movedFolder(asked: string): string {
  return join(MOVED_UNDER, `carillon-data-${hash('sha256', asked, 'hex').slice(0, 16)}`);
}

/** The owner of the data in `directory`; undefined when there is none. */
async function ownerOfData(directory: string): Promise<ServerUser | undefined> {
  try {
    // The folder itself is checked first: another user's is closed (mode 700), and its PG_VERSION can't be seen.
    const { uid, gid } = await stat(directory);
    const isOurs = process.geteuid?.() === 0 || uid === process.geteuid?.();
    if (isOurs) await stat(join(directory, 'PG_VERSION'));
    return { name: `uid ${uid}`, uid, gid };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // stat fails with nothing else
    if (code === 'ENOENT') return undefined;
    throw error;
  }
}

function refuseForeignData(directory: string, owner: ServerUser | undefined): void {
  const ours = process.geteuid?.();
  if (owner === undefined || owner.uid === ours) return;
  throw new EmbeddedPostgresError(
    `expected data directory ${directory} to belong to uid ${ours}, who runs this, got uid ${owner.uid}; ` +
      'start as that user or as root, or choose another directory',
  );
}

async function keepInPlace(asked: string, owner: ServerUser): Promise<Placement> {
  if (owner.uid === 0) {
    throw new EmbeddedPostgresError(
      `expected data directory ${asked} to belong to a normal user, got root, as whom PostgreSQL does not run; chown -R it`,
    );
  }
  if (!(await canReach(owner, dirname(asked), ENTER))) {
    throw new EmbeddedPostgresError(
      `expected the owner of data directory ${asked} (uid ${owner.uid}) to be able to enter the folders above it, ` +
        'got no permission; chmod o+x them or start as that user',
    );
  }
  return { directory: asked, user: owner };
}

/** Makes the folder, or accepts it when it is ours already. Any user may have made it before us under that name. */
async function claimFolder(folder: string, user: ServerUser): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const found = await lstat(folder);
  // A folder of root is left from a start that died between the mkdir and the chown.
  if (!found.isDirectory() || (found.uid !== user.uid && found.uid !== 0)) {
    throw new EmbeddedPostgresError(
      `expected ${folder} to be a folder of user ${user.name} (uid ${user.uid}), got uid ${found.uid}; ` +
        'chown -R it if the data is yours, else remove it',
    );
  }
  await giveTo(user, folder);
  await chmod(folder, 0o700);
}
