// Can a run say what becomes of it while another run of its concurrency key is running, through any replica?
import { describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createRun,
  createTenant,
  finishedRun,
  listRuns,
  newName,
  readRun,
  useTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const other = useTestServer({ beside: server, env: { CARILLON_NAME: 'other' } });
const tenant = useTenant(server);

const endless = { jobType: 'sleep', payload: { ms: 86_000_000 } };
const running = async (id: string) =>
  until('it runs', async () => (await readRun(tenant, id)).state === 'running');

describe('a run with a policy beside its key', () => {
  it('shows both as they were given', async () => {
    const concurrencyKey = newName('key');
    for (const overlap of [
      { mode: 'skip' },
      { mode: 'queue' },
      { mode: 'queue', max: 3 },
      { mode: 'latest' },
    ]) {
      const shown = await createRun(tenant, { concurrencyKey, overlap });
      expect(shown).toMatchObject({ concurrencyKey, overlap });
      expect(await finishedRun(tenant, shown)).toMatchObject({ concurrencyKey, overlap });
    }
    expect(await createRun(tenant, { concurrencyKey, overlap: { mode: 'allow' } })).toMatchObject({
      concurrencyKey,
      overlap: null,
    });
  });

  it('is cancelled and says why where it skips', async () => {
    const concurrencyKey = newName('key');
    const first = await createRun(tenant, { ...endless, concurrencyKey });
    await running(first.id);
    const second = await createRun(tenant, { ...endless, concurrencyKey, overlap: { mode: 'skip' } });
    expect(await finishedRun(tenant, second)).toMatchObject({
      state: 'cancelled',
      startedAt: null,
      error: { name: 'Overlap', message: expect.stringContaining(concurrencyKey) as string },
    });
  });

  it('that is retried on request skips nothing, and waits for its turn', async () => {
    const concurrencyKey = newName('key');
    const overlap = { mode: 'skip' };
    const first = await createRun(tenant, { ...endless, concurrencyKey });
    await running(first.id);
    const second = await createRun(tenant, { jobType: 'echo', concurrencyKey, overlap });
    expect(await finishedRun(tenant, second)).toMatchObject({ state: 'succeeded' });
    const third = await createRun(tenant, { ...endless, concurrencyKey, overlap });
    expect(await finishedRun(tenant, third)).toMatchObject({ state: 'cancelled' });
    await tenant.api.post(`${tenant.path}/runs/${third.id}:retry`).expect(200);
    await tenant.api.post(`${tenant.path}/runs/${first.id}:cancel`).expect(200);
    await running(third.id);
  });

  it('replaces the running one', async () => {
    const concurrencyKey = newName('key');
    const overlap = { mode: 'replace' };
    const first = await createRun(tenant, { ...endless, concurrencyKey, overlap });
    await running(first.id);
    const second = await createRun(tenant, { ...endless, concurrencyKey, overlap });
    await running(second.id);
    expect(await readRun(tenant, first.id)).toMatchObject({ state: 'cancelled' });
  });

  it('never runs beside another one of its key (I7), with hundreds through two replicas', async () => {
    const mine = await createTenant(server);
    const concurrencyKey = newName('key');
    const apis = [mine.api, other.as(mine.key)];
    const modes = ['skip', 'queue', 'latest', 'queue'];
    for (let round = 0; round < 10; round += 1)
      await Promise.all(
        apis.map((api, at) =>
          api
            .post(`${mine.path}/runs:batchCreate`)
            .send({
              runs: modes.map((mode) => ({
                jobType: 'sleep',
                payload: { ms: 3 + at },
                concurrencyKey,
                overlap: { mode },
              })),
            })
            .expect(200),
        ),
      );
    await until('all have ended', async () =>
      (await listRuns(mine, '?pageSize=200')).every(({ finishedAt }) => finishedAt !== null),
    );
    const ended = await listRuns(mine, '?pageSize=200');
    expect(ended).toHaveLength(80);
    const spans = ended
      .filter(({ state }) => state === 'succeeded')
      .map(
        ({ startedAt, finishedAt }) => [Date.parse(startedAt ?? ''), Date.parse(finishedAt ?? '')] as const,
      )
      .toSorted(([a], [b]) => a - b);
    for (const [index, [from]] of spans.entries()) {
      const before = spans[index - 1];
      if (before !== undefined) expect(from).toBeGreaterThanOrEqual(before[1]);
    }
    expect(ended.filter(({ overlap }) => overlap?.mode === 'queue').map(({ state }) => state)).toEqual(
      Array.from({ length: 40 }, () => 'succeeded'),
    );
    for (const { state, error } of ended)
      if (state !== 'succeeded') expect({ state, error }).toMatchObject({ error: { name: 'Overlap' } });
  });
});

describe('a request', () => {
  const concurrencyKey = 'k';
  it.each([
    [{ overlap: { mode: 'skip' } }, '/overlap'],
    [{ concurrencyKey, overlap: { mode: 'drop' } }, '/overlap/mode'],
    [{ concurrencyKey, overlap: 'skip' }, '/overlap'],
    [{ concurrencyKey, overlap: { mode: 'skip', max: 2 } }, '/overlap/max'],
    [{ concurrencyKey, overlap: { mode: 'queue', max: 0 } }, '/overlap/max'],
    [{ concurrencyKey, overlap: { mode: 'queue', max: 1_001 } }, '/overlap/max'],
    [{ concurrencyKey: 'k'.repeat(181), overlap: { mode: 'skip' } }, '/concurrencyKey'],
    [{ concurrencyKey: 'overlap/skip/k' }, '/concurrencyKey'],
    [{ concurrencyKey: 'overlap/queue:3/k' }, '/concurrencyKey'],
    [{ concurrencyKey: 'schedule/0197a0c4-95b1-7c3e-8b7e-3f0d5a2c1e99/skip' }, '/concurrencyKey'],
  ])('with %j is refused', async (body, pointer) => {
    const response = await tenant.api.post(`${tenant.path}/runs`).send({ jobType: 'noop', ...body });
    expect(expectFields(response)).toEqual([pointer]);
  });
});
