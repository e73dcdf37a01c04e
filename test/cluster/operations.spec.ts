// Does another replica go on with an operation when the one that carries it is killed, and does each due time of a backfill
// have one run then? Two real processes; the first makes some of the runs and is killed without a word.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runStatement } from '../support/admin-statement.js';
import { createTestDatabase } from '../support/test-database.js';
import { startTestReplica } from '../support/test-replica.js';
import { until } from '../support/until.js';

const DUE_TIMES = 300;
const MINUTE_MS = 60_000;

interface Operation {
  id: string;
  state: string;
  progress: { done: number; total: number };
  counts: Record<string, number>;
}

it('I1: a backfill goes on elsewhere when its carrier is killed, and makes no run twice', async () => {
  const database = await createTestDatabase();
  const databaseUrl = database.url;
  const folder = await mkdtemp(join(tmpdir(), 'carillon-operations-'));
  onTestFinished(async () => {
    await database.drop();
    await rm(folder, { recursive: true });
  });
  const start = (name: string) =>
    startTestReplica({ databaseUrl, name, sideLog: join(folder, 'side-log.ndjson') });
  const [first, second] = [await start('first'), await start('second')];
  await first.api('/api/v1/tenants', { name: 'tenant' });
  const path = '/api/v1/tenants/tenant';
  await first.api(`${path}/schedules`, { name: 'often', spec: { cron: '* * * * *' }, jobType: 'noop' });
  const toMs = Math.floor(Date.now() / MINUTE_MS - 2) * MINUTE_MS;
  const span = { from: new Date(toMs - DUE_TIMES * MINUTE_MS), to: new Date(toMs), maxUnfinished: 5 };
  const { id } = await first.api<Operation>(`${path}/schedules/often:backfill`, span);
  const read = () => second.api<Operation>(`${path}/operations/${id}`);
  const begun = await until('it has begun', async () => {
    const { progress } = await read();
    return progress.done > 0 && progress;
  });
  expect(begun.done).toBeLessThan(DUE_TIMES);
  first.signal('SIGKILL');
  await first.exited;
  const ended = await until('another one has ended it', async () => {
    const operation = await read();
    return operation.state === 'succeeded' && operation;
  });
  expect(ended).toMatchObject({
    progress: { done: DUE_TIMES, total: DUE_TIMES },
    counts: { runsMade: DUE_TIMES, alreadyThere: 0 },
  });
  const runs = await until('all runs have ended', async () => {
    const found = await runStatement<{ count: number; dueTimes: number; open: number }>(
      databaseUrl,
      `select count(*)::int as count, count(distinct r.due_at)::int as "dueTimes", count(*) filter (where is_open)::int as open
         from (select id, due_at, true as is_open from carillon.run union all select id, due_at, false from carillon.run_history) r
         join carillon.fire f on f.run_id = r.id and f.due_at = r.due_at and f.reason = 'backfill'`,
    );
    return found[0]?.open === 0 && found[0];
  });
  expect(runs).toEqual({ count: DUE_TIMES, dueTimes: DUE_TIMES, open: 0 });
});
