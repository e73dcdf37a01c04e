// How does a test get a cluster of containers? From docker/compose.yaml as it is, under a project name of its
// own and on any free ports, so that it disturbs no cluster that a developer runs from the same file.
import { randomBytes } from 'node:crypto';
import { docker } from './container-engine.js';
import { until } from './until.js';

export type ReplicaName = 'r1' | 'r2' | 'r3';
export const REPLICAS: readonly ReplicaName[] = ['r1', 'r2', 'r3'];

export interface ReplicaRow {
  readonly number: number;
  readonly name: ReplicaName;
  readonly state: 'active' | 'draining' | 'dead' | 'left';
  readonly ownedSlots: number;
}

export interface ContainerCluster {
  /** Asks that replica: a GET, or a POST if there is a body. Throws unless the answer is a success. */
  api<Answer>(replica: ReplicaName, path: string, body?: object): Promise<Answer>;
  /** The name or id by which `docker` knows the container of the replica. */
  containerOf(replica: ReplicaName): string;
  /** Starts a container that has ended, and resolves once its replica is a member again. */
  restart(replica: ReplicaName): Promise<void>;
  /** Resolves once so many replicas are active and share all slots. */
  untilShared(witness: ReplicaName, count: number): Promise<void>;
  /** What the containers have logged, for the message of a test that failed. */
  logs(): Promise<string>;
  remove(): Promise<void>;
}

const SLOTS = 1_024;
const JOIN_LIMIT_MS = 120_000;
const REQUEST_LIMIT_MS = 70_000; // a run may be waited for 60 s
const ADMIN_KEY = `sk_admin_${randomBytes(24).toString('hex')}`;
/** One tag for every run: the build of the next one finds its layers again. */
const IMAGE = 'carillon:docker-test';

/** `docker compose` on our file. The file .env that may lie beside it is somebody's own, and is not read. */
export function compose(project: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const files = ['--env-file', 'test/docker/empty.env', '--file', 'docker/compose.yaml'];
  return docker(['compose', '--project-name', project, ...files, ...args], { env });
}

/** The environment of this process, with the settings of the Compose file replaced by the tests' own. */
export function composeEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    CARILLON_ADMIN_KEY: ADMIN_KEY,
    CARILLON_BUILT_IN_JOBS: 'true',
    POSTGRES_PASSWORD: 'for-tests-only',
    REPLICA_IMAGE: IMAGE,
    ...Object.fromEntries(REPLICAS.map((replica) => [`${replica.toUpperCase()}_PORT`, '0'])),
  };
}

/** Builds the image, starts everything, and resolves once the three replicas share the slots. */
export async function startCluster(): Promise<ContainerCluster> {
  const project = `carillon-test-${randomBytes(4).toString('hex')}`;
  const env = composeEnvironment();
  const inProject = (...args: string[]): Promise<string> => compose(project, args, env);
  // All three have the same image; three builds at once would only be in each other's way.
  await inProject('build', 'r1');
  const remove = async (): Promise<void> => void (await inProject('down', '--volumes', '--timeout', '5'));
  try {
    await inProject('up', '--detach', '--no-build');
    const cluster = await connect(inProject, remove);
    await cluster.untilShared('r1', REPLICAS.length);
    return cluster;
  } catch (error) {
    const logs = await inProject('logs', '--no-color', '--tail=30').catch(String);
    await remove();
    throw new Error(
      `expected a cluster of ${REPLICAS.length} replicas, got the error below and these logs:\n${logs}`,
      { cause: error },
    );
  }
}

async function connect(
  inProject: (...args: string[]) => Promise<string>,
  remove: () => Promise<void>,
): Promise<ContainerCluster> {
  const containers = new Map<ReplicaName, string>();
  const urls = new Map<ReplicaName, string>();
  /** A container that is started again gets another free port. */
  const locate = async (replica: ReplicaName): Promise<void> => {
    containers.set(replica, await inProject('ps', '--quiet', replica));
    urls.set(replica, `http://${await inProject('port', replica, '8080')}`);
  };
  for (const replica of REPLICAS) await locate(replica);

  const cluster: ContainerCluster = {
    api: (replica, path, body) => callApi(`${urls.get(replica)}${path}`, body),
    containerOf: (replica) => containers.get(replica) ?? '',
    restart: async (replica) => {
      await docker(['start', cluster.containerOf(replica)]);
      await locate(replica);
      await cluster.untilShared(replica, REPLICAS.length);
    },
    untilShared: (witness, count) => untilShared(cluster, witness, count),
    logs: () => inProject('logs', '--no-color', '--tail=100'),
    remove,
  };
  return cluster;
}

async function untilShared(cluster: ContainerCluster, witness: ReplicaName, count: number): Promise<void> {
  const fair = SLOTS / count;
  await until(
    `${count} replicas share the slots`,
    async () => {
      // A container that has just been started refuses connections until its server listens.
      const active = (await replicasOf(cluster, witness).catch(() => [])).filter(
        (row) => row.state === 'active',
      );
      const owned = active.reduce((sum, row) => sum + row.ownedSlots, 0);
      return (
        active.length === count &&
        owned === SLOTS &&
        active.every((row) => row.ownedSlots <= Math.ceil(1.1 * fair))
      );
    },
    JOIN_LIMIT_MS,
  );
}

/** The living replicas and the last that ended, newest first, as the witness tells them. */
export async function replicasOf(cluster: ContainerCluster, witness: ReplicaName): Promise<ReplicaRow[]> {
  return (await cluster.api<{ items: ReplicaRow[] }>(witness, '/api/v1/cluster/replicas')).items;
}

async function callApi<Answer>(url: string, body?: object): Promise<Answer> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok)
    throw new Error(`expected ${url} to succeed, got ${response.status}: ${await response.text()}`);
  return (await response.json()) as Answer; // the shape is the API's promise, and a test of its own
}
