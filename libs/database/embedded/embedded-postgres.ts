// How does Carillon run without a database being installed? It starts a PostgreSQL of its own from an npm package, on a
// directory that keeps its data from one start to the next. This file has the order of the steps, each of which is a
// file of its own. `notes` tell what had to differ from the order (another port, another place). It does not decide
// which of two Carillons may use the same directory.
import { rm } from 'node:fs/promises';
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findBinaries, type Binaries } from '#database/embedded/programs/binaries.js';
import { movedFolder, placeData, type Placement } from '#database/embedded/data/data-placement.js';
import { initialiseData, isInitialised } from '#database/embedded/data/initialisation.js';
import { stopLeftoverServer } from '#database/embedded/server/leftover-server.js';
import { ensurePassword } from '#database/embedded/data/password-file.js';
import { openServerLog } from '#database/embedded/server/server-log.js';
import { launchServer, type RunningServer } from '#database/embedded/server/server-launch.js';
import { stopChild } from '#database/embedded/server/server-process.js';
import type { StopMode } from '#database/embedded/server/server-stop.js';
import { findServerUser } from '#database/embedded/programs/server-user.js';

export interface EmbeddedPostgresOptions {
  readonly dataDirectory: string;
  /** The wanted port; if a process holds it, another is taken and noted. */
  readonly port?: number;
  /** Server settings by name. Where it listens can't be changed. */
  readonly settings?: Record<string, string>;
  readonly log: (line: string) => void;
}

export interface EmbeddedPostgres {
  /** The superuser's URL, to the database `postgres`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Where the data really is, see `notes`. */
  readonly dataDirectory: string;
  readonly notes: readonly string[];
  /** Resolves when the server is gone, for any reason. */
  readonly exited: Promise<void>;
  /** Resolves when the server is gone; any number of calls. A second, immediate call hurries a slow first one. */
  stop(mode?: StopMode): Promise<void>;
  /** Stops the server and deletes its data, password and log. */
  remove(): Promise<void>;
  /** Sends an immediate shutdown without waiting: for a process's 'exit' handler, where nothing can wait. */
  readonly killNow: () => void;
}

export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const notes: string[] = [];
  const note = (line: string): void => {
    notes.push(line);
    options.log(line);
  };
  const asked = realPath(resolve(options.dataDirectory));
  const placement = await placeData(asked, await findServerUser());
  if (placement.note !== undefined) note(placement.note);
  const binaries = await findBinaries({ user: placement.user, note });
  const isDurable = options.settings?.['fsync'] !== 'off';
  const password = await prepareData({ asked, placement, binaries, isDurable, note });
  const stopped = await stopLeftoverServer(placement.directory);
  if (stopped !== undefined)
    note(`stopped a PostgreSQL (pid ${stopped}) that an earlier run left on ${placement.directory}`);
  const log = await openServerLog(`${asked}.log`);
  try {
    const { directory, user } = placement;
    const wishes = { settings: options.settings ?? {}, wantedPort: options.port };
    const server = await launchServer({
      program: binaries.postgres,
      user,
      directory,
      log,
      password,
      note,
      ...wishes,
    });
    options.log(`PostgreSQL ${binaries.major} is ready on port ${server.port}`);
    return describeServer({ server, asked, placement, notes });
  } finally {
    await log.close(); // the server has its own copy
  }
}

/** Stops the server on the directory, even if another process started it, and deletes its data, password and log. */
export async function removeEmbeddedPostgres(dataDirectory: string): Promise<void> {
  const asked = realPath(resolve(dataDirectory));
  const moved = movedFolder(asked);
  await stopLeftoverServer(asked);
  await stopLeftoverServer(join(moved, 'data'));
  const paths = ['.initialising', '.initialising.pwfile', '.password', '.log'].map(
    (ending) => `${asked}${ending}`,
  );
  if (existsSync(join(asked, 'PG_VERSION'))) paths.push(asked); // a path given by mistake is not emptied
  if (await findServerUser()) paths.push(moved); // only root moves data, and only root may delete it
  for (const path of paths) await rm(path, { recursive: true, force: true });
}

/** Makes the data directory if need be, with the password. */
async function prepareData(order: {
  asked: string;
  placement: Placement;
  binaries: Binaries;
  isDurable: boolean;
  note: (line: string) => void;
}): Promise<string> {
  const hasData = await isInitialised(order.placement.directory, order.binaries.major);
  const file = `${order.asked}.password`;
  const { directory } = order.placement;
  if (!hasData && existsSync(file) && !existsSync(`${directory}.initialising`)) {
    order.note(`the data of an earlier run is no longer in ${directory}; PostgreSQL begins empty`);
  }
  const password = await ensurePassword({ file, hasData });
  if (!hasData) await initialiseData({ ...order, password });
  return password;
}

function describeServer(started: {
  server: RunningServer;
  asked: string;
  placement: Placement;
  notes: string[];
}): EmbeddedPostgres {
  const { server, asked, placement, notes } = started;
  const { child, ...address } = server;
  const exited = new Promise<void>((settle) => {
    child.once('exit', () => settle());
    if (child.exitCode !== null || child.signalCode !== null) settle();
  });
  return {
    ...address,
    dataDirectory: placement.directory,
    notes,
    exited,
    stop: (mode = 'fast') => stopChild(child, mode),
    remove: async () => {
      await stopChild(child, 'immediate');
      await removeEmbeddedPostgres(asked);
    },
    killNow: () => void child.kill('SIGQUIT'),
  };
}

/** A link to the data directory is followed, so that both names find the same data and the same password. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}
