// Does a schedule that follows runs go on when the leader, and then the owner of its slot, is killed?
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { createTestDatabase } from '../support/test-database.js';
import { startTestReplica, type TestReplica } from '../support/test-replica.js';
import { until } from '../support/until.js';

interface ShownRun {
  dueAt: string;
  finishedAt: string | null;
}

const T = '/api/v1/tenants/acme';
const sideLog = join(tmpdir(), `carillon-after-runs-${randomUUID()}.ndjson`);

async function addSchedules(replica: TestReplica): Promise<void> {
  await replica.api('/api/v1/tenants', { name: 'acme' });
  const jobType = 'noop';
  await replica.api(`${T}/schedules`, { name: 'chain', spec: { delaySeconds: 1 }, jobType });
  await replica.api(`${T}/schedules`, { name: 'behind', spec: { afterSuccessOf: 'chain' }, jobType });
}
/** The earliest due time first. */
async function runsOf(replica: TestReplica, schedule: string): Promise<ShownRun[]> {
  const query = `schedule=${schedule}&pageSize=200`;
  const { items } = await replica.api<{ items: ShownRun[] }>(`${T}/runs?${query}`);
  return items.toSorted((a, b) => (a.dueAt < b.dueAt ? -1 : 1));
}
async function untilRan(replica: TestReplica, times: number): Promise<void> {
  const before = (await runsOf(replica, 'behind')).length;
  await until(
    `both have run ${times} times more`,
    async () => (await runsOf(replica, 'behind')).length >= before + times,
  );
}

it('loses and doubles no due time', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const start = (name: string) => startTestReplica({ databaseUrl: database.url, name, sideLog });
  const first = await start('r1');
  await addSchedules(first);
  await untilRan(first, 2);
  // It leads and owns all slots, or hands some of them over.
  const second = await start('r2');
  await untilRan(second, 2);
  first.signal('SIGKILL');
  await first.exited;
  await untilRan(second, 3);
  await second.api(`${T}/schedules/chain:pause`, {});
  const both = await until('all runs have ended', async () => {
    const runs = [await runsOf(second, 'chain'), await runsOf(second, 'behind')] as const;
    const areOver = runs.flat().every(({ finishedAt }) => finishedAt !== null);
    return areOver && runs[0].length === runs[1].length && runs;
  });
  const [chain, behind] = both;
  for (const [index, { dueAt }] of chain.slice(1).entries())
    expect(Date.parse(dueAt) - Date.parse(chain[index]?.finishedAt ?? '')).toBe(1_000);
  expect(behind.map(({ dueAt }) => dueAt)).toEqual(chain.map(({ finishedAt }) => finishedAt));
});
