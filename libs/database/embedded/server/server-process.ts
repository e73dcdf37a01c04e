// How does one server process come up, and when does it count as up? When its own state file says ready
// and a login succeeds. The file comes first: were another server on our port by a lost race, a login
// alone would reach that one. Each attempt ends in a named outcome; the caller decides whether to try again.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { EmbeddedPostgresError } from '#database/embedded/programs/embedded-postgres-error.js';
import { HOST } from './free-port.js';
import { readPostmasterFile } from './postmaster-file.js';
import { startProgram } from '#database/embedded/programs/program-start.js';
import type { ServerLog } from './server-log.js';
import { endServer } from './server-stop.js';
import type { ServerUser } from '#database/embedded/programs/server-user.js';

export interface Launch {
  readonly program: string;
  readonly user: ServerUser | undefined;
  readonly directory: string;
  readonly port: number;
  readonly url: string;
  readonly settings: Record<string, string>;
  readonly log: ServerLog;
}

type LaunchOutcome =
  | { readonly kind: 'ready'; readonly child: ChildProcess; readonly pid: number }
  | { readonly kind: 'port-taken'; readonly said: string }
  /** Children of a server that was killed still hold its shared memory; they end soon. */
  | { readonly kind: 'directory-busy'; readonly said: string };

const READY_TIMEOUT_MS = 60_000; // recovery after a crash replays the log first
const LOOK_EVERY_MS = 20;
const LOGIN_TIMEOUT_MS = 10_000;

const DEFAULT_SETTINGS = {
  max_connections: '200',
  shared_buffers: '256MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

export async function tryLaunch(launch: Launch): Promise<LaunchOutcome> {
  const logged = await launch.log.size();
  const child = await spawnServer(launch);
  try {
    await reachReady(child, launch);
    return { kind: 'ready', child, pid: child.pid ?? 0 }; // 0 never: a spawned child has an id
  } catch (error) {
    await stopChild(child, 'immediate');
    const said = await launch.log.lastLines(logged);
    if (/could not create any TCP\/IP sockets/.test(said)) return { kind: 'port-taken', said };
    if (/pre-existing shared memory block/.test(said)) return { kind: 'directory-busy', said };
    const reason = error instanceof Error ? error.message : String(error);
    throw new EmbeddedPostgresError(
      `expected PostgreSQL to start on ${launch.directory}, got: ${reason}\n${said}`,
      { cause: error },
    );
  }
}

export async function stopChild(child: ChildProcess, mode: 'fast' | 'immediate'): Promise<void> {
  await endServer({ mode, send: (signal) => child.kill(signal), isGone: () => hasExited(child) });
}

async function spawnServer({ program, user, directory, port, settings, log }: Launch): Promise<ChildProcess> {
  const chosen = {
    ...DEFAULT_SETTINGS,
    ...settings,
    // Last, so that no setting opens the server to the network or to a shared socket folder.
    listen_addresses: HOST,
    unix_socket_directories: '',
    port: String(port),
  };
  const args = Object.entries(chosen).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return startProgram({
    path: program,
    args: ['-D', directory, ...args],
    user,
    // Detached, in its own process group: Ctrl-C is for the replicas, which drain while it still serves.
    options: { detached: true, stdio: ['ignore', log.file.fd, log.file.fd] },
  });
}

async function reachReady(child: ChildProcess, { directory, url }: Launch): Promise<void> {
  const patience = AbortSignal.timeout(READY_TIMEOUT_MS);
  for (;;) {
    if (hasExited(child)) throw new Error(`it exited with ${child.exitCode ?? child.signalCode}`);
    const file = await readPostmasterFile(directory);
    if (file?.pid === child.pid && file?.isReady === true) break;
    if (patience.aborted) throw new Error(`it was not ready after ${READY_TIMEOUT_MS} ms`);
    await delay(LOOK_EVERY_MS);
  }
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: LOGIN_TIMEOUT_MS });
  client.on('error', () => undefined); // the query below reports the same break
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    await client.end().catch(() => undefined);
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
