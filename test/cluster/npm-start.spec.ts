// Does the first command that a newcomer types do all it says? It is run for real, from the bootstrap on: it
// comes up, bears the keys k and r without losing a second, refuses a twin, and leaves nothing but its data.
import { chmod, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeEmbeddedPostgres } from '#database/embedded/embedded-postgres.js';
import { until } from '../support/until.js';
import { runUp, untilUp, type UpFile, type UpProcess } from '../support/up-process.js';

interface Leader {
  readonly term: number;
  readonly replica: number;
}
interface Fire {
  readonly dueAt: string;
  readonly outcome: string;
}
interface Run {
  readonly jobType: string;
  readonly state: string;
}

const SECOND_MS = 1_000;
const FIRES = 'tenants/acme/schedules/heartbeat/fires?pageSize=200';
let data: string;
let up: UpProcess;
let firstDueAt: string | undefined;
/** Everything that must be gone in the end. */
const pids = new Set<number>();

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'carillon-npm-start-'));
  await chmod(data, 0o711); // under root the server runs as another user, who must get in
  up = runUp(data);
  await note(await untilUp(up, 3));
});

afterAll(async () => {
  up.kill();
  await up.exited;
  await removeEmbeddedPostgres(join(data, 'postgres'));
  await rm(data, { recursive: true, force: true });
});

async function note({ pid, replicas }: UpFile): Promise<void> {
  const postmaster = await readFile(join(data, 'postgres/postmaster.pid'), 'utf8');
  for (const each of [pid, Number.parseInt(postmaster, 10), ...replicas.map((replica) => replica.pid)])
    pids.add(each);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const leaderOf = (): Promise<Leader> => up.get<Leader>('cluster/leader');

async function runsOf(tenant: string): Promise<Run[]> {
  return (await up.get<{ items: Run[] }>(`tenants/${tenant}/runs?state=succeeded`)).items;
}

/** Due times that are over, oldest first. */
async function decidedFires(): Promise<Fire[]> {
  const { items } = await up.get<{ items: Fire[] }>(FIRES);
  return items.filter(({ outcome }) => outcome !== 'planned').toReversed();
}

function hasEverySecond(fires: readonly Fire[]): boolean {
  return fires
    .slice(1)
    .every((fire, index) => Date.parse(fire.dueAt) - Date.parse(fires[index]?.dueAt ?? '') === SECOND_MS);
}

/** Resolves with what up.json says once the replica with this number has been replaced by a new process. */
async function untilReplaced(number: number): Promise<UpFile> {
  return until(`another process is there instead of replica ${number}`, async () => {
    const content = await up.upFile();
    const ids = content?.replicas.map(({ id }) => id) ?? [];
    return ids.length === 3 && !ids.includes(number) && content;
  });
}

describe('npm start', () => {
  it('tells a newcomer where everything is', async () => {
    const { adminKey, apiUrls } = await untilUp(up, 3);
    expect(up.output()).toContain(`${apiUrls[0]}/docs`);
    expect(up.output()).toContain(adminKey);
    expect(up.output()).toMatch(/r\d leads, term 1/);
    expect(up.output()).not.toContain('\u001B');
    expect((await fetch(`${apiUrls[0]}/docs`)).status).toBe(200);
  });

  it('shows runs of each kind, also one that calls the receiver over HTTP and one that fails at first', async () => {
    await until(
      'the demo has run',
      async () => {
        const done = new Set(
          [...(await runsOf('acme')), ...(await runsOf('globex'))].map(({ jobType }) => jobType),
        );
        return ['record', 'webhook', 'fail'].every((jobType) => done.has(jobType));
      },
      40_000,
    );
    await until('they are told', () => /globex\/flaky +succeeded at attempt 2/.test(up.output()));
    expect(up.output()).toMatch(/acme\/heartbeat +succeeded on r\d, started \d+ ms after it was due/);
  });

  it('refuses a second start on the same data and tells where the first one is', async () => {
    const twin = runUp(data);
    expect(await twin.exited).toBe(1);
    const { pid, apiUrls } = await untilUp(up, 3);
    expect(twin.output()).toContain(`Carillon is up already, as process ${pid}, at ${apiUrls[0]}`);
    expect(await up.upFile()).toMatchObject({ pid });
  });

  it('kills the leader when k is pressed: another one leads, and a new process comes back', async () => {
    const before = await leaderOf();
    up.press('k');
    const after = await until('another one leads', async () => {
      const leader = await leaderOf().catch(() => undefined); // the one asked may be the one that is killed
      return leader !== undefined && leader.term > before.term && leader.replica !== before.replica && leader;
    });
    await note(await untilReplaced(before.replica));
    await until('it is told', () => up.output().includes(`leads, term ${after.term}, after `));
  });

  it('kills another replica when r is pressed, and the leader goes on', async () => {
    const before = await leaderOf();
    const { replicas } = await untilUp(up, 3);
    up.press('r');
    const content = await until('another process has taken its place', async () => {
      const now = await up.upFile();
      const kept = replicas.filter(({ id }) => now?.replicas.some((replica) => replica.id === id));
      return now?.replicas.length === 3 && kept.length === 2 && now;
    });
    await note(content);
    expect(await leaderOf()).toEqual(before);
  });

  it('has lost no second over it, and says so', async () => {
    await until('both proofs are told', () => up.output().match(/fired.*, none missing;/g)?.length === 2);
    expect(up.output()).not.toContain('MISSING');
    const fires = await decidedFires();
    expect(fires.length).toBeGreaterThan(15);
    expect(hasEverySecond(fires)).toBe(true);
    firstDueAt = fires[0]?.dueAt;
    expect(fires.filter(({ outcome }) => outcome !== 'fired' && outcome !== 'late')).toEqual([]);
  });

  it('leaves no process and no up.json when it is stopped by Ctrl-C', async () => {
    up.pressCtrlC();
    expect(await up.exited).toBe(0);
    expect([...pids].filter(isAlive)).toEqual([]);
    const left = await readdir(data);
    expect(left.filter((name) => name.startsWith('up.'))).toEqual([]);
  });

  it('goes on with its data at the next start, and makes up for what was due meanwhile', async () => {
    up = runUp(data);
    await note(await untilUp(up, 3));
    const key = await readFile(join(data, 'admin-key'), 'utf8');
    expect((await up.upFile())?.adminKey).toBe(key.trim());
    const { term } = await leaderOf();
    expect(term).toBeGreaterThan(2);
    const firstNow = await until('a due time of this start is over', async () =>
      (await up.get<{ items: Fire[] }>(FIRES)).items.find(({ outcome }) => outcome === 'fired'),
    );
    await until('the ledger has no gap back to the first start', async () => {
      const fires = await decidedFires();
      return (
        fires.some(({ dueAt }) => dueAt === firstDueAt) &&
        fires.some(({ dueAt }) => dueAt === firstNow.dueAt) &&
        hasEverySecond(fires)
      );
    });
    up.press('q');
    expect(await up.exited).toBe(0);
    expect([...pids].filter(isAlive)).toEqual([]);
  });
});
