// The story of `npm start`, in order: claim the data folder, PostgreSQL, the replicas, the demo, the welcome; then
// watch until the user ends it, and stop everything in the reverse order. Each step has a file of its own. A part
// that has begun is already on the list of the shutdown, so a Ctrl-C may come at any moment.
import { CliError } from '../cli-error.js';
import { ensureAdminKey } from './data/admin-key.js';
import { occupyDataFolder, readyDataFolder } from './data/occupy-folder.js';
import { HandlerWatch, stateOf } from './cluster/handler-watch.js';
import { startCluster, type Cluster } from './cluster/cluster-start.js';
import type { DataFolder } from './data/data-folder.js';
import { givenDatabaseUrl, prepareDatabase } from './data/database.js';
import { DEMO_SCHEDULES, DEMO_TENANTS, prepareDemo } from './story/demo.js';
import { FinishedRuns } from './story/finished-runs.js';
import { findKeyboard } from './terminal/keys.js';
import type { UpOptions } from './terminal/options.js';
import { clockTime, count, duration, list } from './terminal/phrases.js';
import { Receiver } from './story/receiver.js';
import { environmentForOwnServer, refuseUnknownSettings } from './processes/replica-environment.js';
import { Screen } from './terminal/screen.js';
import { Session } from './session.js';
import { Shutdown, stopOnSignals } from './processes/shutdown.js';
import { UpFile } from './data/up-file.js';
import { addresses, nextSteps } from './story/welcome.js';

interface Stage {
  readonly options: UpOptions;
  readonly screen: Screen;
  readonly shutdown: Shutdown;
  readonly startedAtMs: number;
  /** A line with the time in front. */
  readonly say: (line: string) => void;
}

interface Base {
  readonly folder: DataFolder;
  readonly upFile: UpFile;
  readonly adminKey: string;
  readonly databaseUrl: string;
  readonly environment: NodeJS.ProcessEnv;
}

const POSTGRES_PORT = 54_320;
/** The receiver's port above the first replica's: the same at each start, if it is free. */
const RECEIVER_PORT_OFFSET = 10;

/** Resolves with the exit code when everything has ended, or rejects then with the error that ended it early. */
export async function up(options: UpOptions): Promise<number> {
  const screen = new Screen(process.stdout);
  const shutdown = new Shutdown();
  stopOnSignals(shutdown);
  const say = (line: string): void => screen.line(`  ${clockTime(new Date())}  ${line}`);
  await live({ options, screen, shutdown, say, startedAtMs: performance.now() }).catch((error: unknown) =>
    shutdown.fail(error),
  );
  const stoppingSinceMs = performance.now();
  screen.clearStatus();
  for (const line of shutdown.farewells) screen.line(line);
  const errors = await shutdown.stopAll();
  const failure = shutdown.failure ?? errors[0];
  if (failure !== undefined) throw failure;
  screen.line(
    `Stopped after ${duration(performance.now() - stoppingSinceMs)}; the data is kept for the next start.`,
  );
  return 0;
}

async function live(stage: Stage): Promise<void> {
  const { options, screen, shutdown } = stage;
  const base = await layBase(stage);
  const handlers = base.environment['CARILLON_HANDLERS'] ?? null;
  const loaded = options.isWatching && handlers !== null ? await stateOf(handlers) : null;
  const receiver = options.hasDemo ? await startReceiver(stage) : null;
  const cluster = await startCluster({
    ...stage,
    ...base,
    receiver: receiver === null ? null : new URL(receiver.url).host,
  });
  if (receiver !== null) await startDemo(stage, cluster, receiver);
  const keyboard = findKeyboard(process.stdin);
  const facts = {
    apiUrls: cluster.replicas.living.map(({ url }) => url),
    adminKey: base.adminKey,
    folder: base.folder,
    handlers,
    hasDemo: options.hasDemo,
    hasKeys: keyboard !== undefined,
    tookMs: performance.now() - stage.startedAtMs,
  };
  const { api, watch, replicas, since } = cluster;
  const session = new Session({
    api,
    watch,
    replicas,
    receiver,
    screen,
    shutdown,
    signal: shutdown.signal,
    base,
    runs: receiver === null ? null : new FinishedRuns(api, DEMO_TENANTS, since),
    wanted: options.replicas,
    startedAtMs: stage.startedAtMs,
    keyboard,
  });
  // Before the welcome: a script that waits for its first line reads the file next.
  await session.writeUpFile();
  for (const line of [...addresses(facts), ...nextSteps(facts)]) screen.line(line);
  const giveTerminalBack = keyboard?.listen((key) => session.press(key));
  shutdown.add({ stop: async () => giveTerminalBack?.() });
  const handlerWatch =
    loaded === null || handlers === null
      ? null
      : new HandlerWatch({ folder: handlers, replicas, say: stage.say, signal: shutdown.signal }, loaded);
  await Promise.all([session.run(), handlerWatch?.run()]);
}

/** The data folder and a migrated database. */
async function layBase(stage: Stage): Promise<Base> {
  const { options, screen, shutdown, say } = stage;
  refuseUnknownSettings(process.env);
  const givenUrl = givenDatabaseUrl(process.env);
  if (givenUrl !== undefined && options.isFresh) {
    throw new CliError('--fresh: expected no DATABASE_URL, got one; a given database is never emptied', 2);
  }
  if (givenUrl === undefined) process.env = environmentForOwnServer(process.env);
  if (options.isWatching && (process.env['CARILLON_HANDLERS'] ?? '') === '')
    throw new CliError('--watch: expected CARILLON_HANDLERS to name a folder, got none', 2);
  const folder = await occupyDataFolder(options, shutdown);
  screen.line(screen.paint('bold', 'Carillon, a job scheduler on PostgreSQL, starts.'));
  await readyDataFolder(folder, options, say);
  const adminKey = await ensureAdminKey(folder.adminKey);
  const upFile = new UpFile(folder.upFile);
  shutdown.add({ stop: () => upFile.remove() });
  const wantedPort = options.port === 0 ? undefined : POSTGRES_PORT;
  const databaseUrl = await prepareDatabase({ givenUrl, folder, wantedPort, shutdown, say });
  return { folder, upFile, adminKey, databaseUrl, environment: process.env };
}

async function startReceiver({ options, shutdown, say }: Stage): Promise<Receiver> {
  const receiver = new Receiver();
  shutdown.add(receiver);
  const wantedPort = options.port === 0 ? 0 : options.port + RECEIVER_PORT_OFFSET;
  await receiver.start(wantedPort);
  const { port } = new URL(receiver.url);
  if (wantedPort !== 0 && Number(port) !== wantedPort)
    say(`port ${wantedPort} is taken, the demo's receiver listens on ${port}`);
  return receiver;
}

async function startDemo({ say, shutdown }: Stage, { api }: Cluster, { url }: Receiver): Promise<void> {
  shutdown.signal.throwIfAborted();
  await prepareDemo(api, url);
  say(
    `the demo: tenants ${list(DEMO_TENANTS)}, ${count(DEMO_SCHEDULES.length, 'schedule')}, a receiver for HTTP at ${url}`,
  );
}
