// When is the cluster up? When every replica listens and has joined, and one of them leads. A replica that ends
// before it listens ends the whole start, and its last log lines are shown: the others would fail the same way.
import { mkdir } from 'node:fs/promises';
import { setTimeout as rest } from 'node:timers/promises';
import { CliError } from '../../cli-error.js';
import { Api } from './api.js';
import { ClusterWatch } from './cluster-watch.js';
import type { DataFolder } from '../data/data-folder.js';
import type { UpOptions } from '../terminal/options.js';
import { duration, list } from '../terminal/phrases.js';
import { replicaEnvironment } from '../processes/replica-environment.js';
import { startReplica } from '../processes/replica-process.js';
import { ReplicaSet } from '../processes/replica-set.js';
import type { Shutdown } from '../processes/shutdown.js';

export interface ClusterOrder {
  readonly options: UpOptions;
  readonly folder: DataFolder;
  readonly databaseUrl: string;
  readonly adminKey: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Host and port of the demo's receiver; null without the demo. */
  readonly receiver: string | null;
  readonly shutdown: Shutdown;
  readonly say: (line: string) => void;
}

export interface Cluster {
  readonly replicas: ReplicaSet;
  readonly api: Api;
  readonly watch: ClusterWatch;
  /** When the first of our replicas joined, by the database's clock. */
  readonly since: Date;
}

const PATIENCE_MS = 30_000;
const LOOK_MS = 25;

export async function startCluster(order: ClusterOrder): Promise<Cluster> {
  const { adminKey, shutdown } = order;
  const replicas = await startReplicas(order);
  const api = new Api(() => replicas.living.map(({ url }) => url), adminKey, shutdown.signal);
  const watch = new ClusterWatch(api, replicas);
  await awaitLeader(order, watch);
  return { replicas, api, watch, since: watch.since };
}

async function startReplicas({
  options,
  folder,
  shutdown,
  say,
  ...settings
}: ClusterOrder): Promise<ReplicaSet> {
  await mkdir(folder.logs, { recursive: true });
  const { databaseUrl, adminKey, receiver } = settings;
  const environment = replicaEnvironment(settings.environment, {
    databaseUrl,
    adminKey,
    sideLog: folder.sideLog,
    receiver,
  });
  const replicas = new ReplicaSet(({ name, port }) =>
    startReplica({ name, port, logs: folder.logs, environment }),
  );
  shutdown.signal.throwIfAborted();
  shutdown.add(replicas);
  const wishes = Array.from({ length: options.replicas }, (_, index) => ({
    name: `r${index + 1}`,
    port: options.port === 0 ? 0 : options.port + index,
  }));
  const started = replicas.startAll(wishes).catch((error: Error) => {
    throw new CliError(error.message);
  });
  // A replica may wait for its database for ever, and the person may not.
  await Promise.race([started, rejectedOnAbort(shutdown.signal)]);
  for (const [index, { name, url }] of replicas.living.entries()) {
    const wanted = wishes[index]?.port ?? 0;
    const { port } = new URL(url);
    if (wanted !== 0 && Number(port) !== wanted) say(`port ${wanted} is taken, ${name} listens on ${port}`);
  }
  const places = replicas.living.map(({ name, url }) => `${name} on port ${new URL(url).port}`);
  say(`${list(places)} ${places.length === 1 ? 'listens' : 'listen'}`);
  return replicas;
}

function rejectedOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

async function awaitLeader({ options, shutdown, say }: ClusterOrder, watch: ClusterWatch): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const { leader, term } = await watch.look();
    if (leader !== null && watch.seats.length === options.replicas) {
      // Each replica has a name and a number, and the API uses the number.
      const joined = watch.seats.map(({ name, number }) => `${name} as replica ${number}`);
      say(`${list(joined)} joined`);
      return say(`${leader.name} leads, term ${term}`);
    }
    if (performance.now() > endMs) {
      const missing =
        leader === null
          ? 'no replica leads'
          : `${watch.seats.length} of ${options.replicas} replicas have joined`;
      throw new CliError(
        `expected all replicas to join and one to lead within ${duration(PATIENCE_MS)}, got: ${missing}`,
      );
    }
    await rest(LOOK_MS, undefined, { signal: shutdown.signal });
  }
}
