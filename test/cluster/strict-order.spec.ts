// Do runs of keys with a strict order start in their order while their owners are killed and shut down?
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { outOfOrder, type LoggedRun } from '../support/in-order.js';
import { createTestDatabase } from '../support/test-database.js';
import { startTestReplica, type TestReplica } from '../support/test-replica.js';
import { until } from '../support/until.js';

const TENANTS = 4;
const KEYS = 6;
const PLACES = 25;
const RUNS = TENANTS * KEYS * PLACES;

/** Some runs fail once; each is at work for a moment, so that a replica that is killed leaves many under way. */
const MODULE = `
import { appendFileSync } from 'node:fs';
import { setTimeout as rest } from 'node:timers/promises';
import { defineJob, handler } from 'carillon';
import { z } from 'zod';

const ordered = defineJob({
  name: 'ordered',
  payload: z.object({ key: z.string(), place: z.int(), fails: z.boolean() }),
  retry: { maxAttempts: 100, minSeconds: 0.01, maxSeconds: 0.2 },
});
const note = (line) => appendFileSync(process.env.ORDER_LOG, JSON.stringify(line) + '\\n');
export const inOrder = handler(ordered, async ({ payload: { key, place, fails } }, { attempt, signal }) => {
  note({ key, place, what: 'start' });
  await rest(40, undefined, { signal });
  if (fails && attempt === 1) throw new Error('not yet');
  note({ key, place, what: 'success' });
});
`;

const line = z.object({ key: z.string(), place: z.int(), what: z.enum(['start', 'success']) });

let databaseUrl: string;
let folder: string;
beforeEach(async () => {
  const database = await createTestDatabase();
  databaseUrl = database.url;
  folder = await mkdtemp(join(tmpdir(), 'carillon-in-order-'));
  await writeFile(join(folder, 'jobs.mjs'), MODULE);
  await appendFile(join(folder, 'order.log'), '');
  return async () => {
    await database.drop();
    await rm(folder, { recursive: true });
  };
});

const start = (name: string): Promise<TestReplica> =>
  startTestReplica({
    databaseUrl,
    name,
    sideLog: join(folder, 'side.log'),
    env: { CARILLON_HANDLERS: folder, ORDER_LOG: join(folder, 'order.log') },
  });

async function readOrder(): Promise<LoggedRun[]> {
  const text = await readFile(join(folder, 'order.log'), 'utf8');
  // The last line may be under way.
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((each) => each !== '')
    .map((each) => line.parse(JSON.parse(each)));
}

const succeeded = async () =>
  new Set(
    (await readOrder()).filter(({ what }) => what === 'success').map(({ key, place }) => `${key} ${place}`),
  ).size;

const untilSucceeded = (count: number) =>
  until(`${count} have succeeded`, async () => (await succeeded()) >= count);

async function untilOwner(replica: TestReplica): Promise<void> {
  const ring = z.object({ items: z.array(z.looseObject({ name: z.string(), ownedSlots: z.int() })) });
  const { name } = replica;
  await until(`${name} owns slots`, async () =>
    ring
      .parse(await replica.api('/api/v1/cluster/replicas'))
      .items.some((row) => row.name === name && row.ownedSlots > 300),
  );
}

it('I2, I7: as the starts tell that they have logged', async () => {
  const [first, second] = await Promise.all([start('first'), start('second')]);
  await untilOwner(first);
  await untilOwner(second);
  for (let tenant = 0; tenant < TENANTS; tenant += 1) {
    await first.api('/api/v1/tenants', { name: `t-${tenant}` });
    const runs = Array.from({ length: KEYS * PLACES }, (_, index) => {
      const [key, place] = [`${tenant}-${index % KEYS}`, Math.floor(index / KEYS)];
      const payload = { key, place, fails: (index * 7 + tenant) % 5 === 0 };
      return { jobType: 'ordered', payload, concurrencyKey: key, order: 'strict' };
    });
    await first.api(`/api/v1/tenants/t-${tenant}/runs:batchCreate`, { runs });
  }
  await untilSucceeded(RUNS / 6);
  second.signal('SIGKILL');
  await second.exited;
  await untilSucceeded(RUNS / 3);
  const third = await start('third');
  await untilOwner(third);
  first.signal('SIGTERM');
  expect(await first.exited).toBe(0);
  const fourth = await start('fourth');
  await untilOwner(fourth);
  third.signal('SIGKILL');
  await third.exited;
  await untilSucceeded(RUNS);
  const log = await readOrder();
  expect(outOfOrder(log)).toEqual([]);
  expect(log.filter(({ what }) => what === 'start').length).toBeGreaterThan(RUNS * 1.2);
});
