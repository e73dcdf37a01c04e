// Is a request that is sent twice done once? Its Idempotency-Key and its effect commit together, for all who ask
// again, when, and through which replica.
import { describe, expect, it } from 'vitest';
import { clearAway } from '#server/upkeep/enqueue-upkeep.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { openClient, openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createTenant,
  finishedRun,
  listRuns,
  newName,
  readRun,
  secondsFromNow,
  useTenant,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const other = useTestServer({ beside: server, env: { CARILLON_NAME: 'other' } });
const tenant = useTenant(server);

const runAt = secondsFromNow(3_600);
const waiting = { jobType: 'noop', runAt };
const send = (
  key: string,
  body: object,
  { path = 'runs', of = tenant, api }: { path?: string; of?: TestTenant; api?: TestTenant['api'] } = {},
) => (api ?? of.api).post(`${of.path}/${path}`).set('Idempotency-Key', key).send(body);

describe('a request with an Idempotency-Key', () => {
  it.each([
    ['runs', () => waiting, 201],
    ['runs:batchCreate', () => ({ runs: [waiting, waiting] }), 200],
    ['schedules', () => ({ name: newName('s'), spec: { everySeconds: 3_600 }, jobType: 'noop' }), 201],
    ['job-types', () => ({ name: newName('j'), target: { kind: 'handler', handler: 'noop' } }), 201],
  ])('to create %s is done once, and answered the same again', async (path, wish, status) => {
    const key = `"${newName('key')}"`;
    const body = wish();
    const first = await send(key, body, { path });
    expect(first.status, first.text).toBe(status);
    expect(first.headers).not.toHaveProperty('idempotency-replayed');
    const second = await send(key, body, { path, api: other.as(tenant.key) });
    expect(second.status).toBe(status);
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(second.text).toBe(first.text);
    for (const name of ['location', 'etag', 'content-type'])
      if (path !== 'job-types' || name !== 'etag') expect(second.headers[name]).toBe(first.headers[name]);
  });

  it('to create a tenant is done once', async () => {
    const name = newName('tenant');
    const create = () =>
      server.admin.post('/api/v1/tenants').set('Idempotency-Key', newName('k')).send({ name });
    const key = newName('key');
    const first = await server.admin
      .post('/api/v1/tenants')
      .set('Idempotency-Key', key)
      .send({ name })
      .expect(201);
    const second = await server.admin
      .post('/api/v1/tenants')
      .set('Idempotency-Key', key)
      .send({ name })
      .expect(201);
    expect(second.body).toEqual(first.body);
    expect(first.headers['location']).toBe(`/api/v1/tenants/${name}`);
    expectProblem(await create(), 'already-exists');
  });

  it('runs what it created at once, as it would without one', async () => {
    const created = await send(newName('key'), { jobType: 'echo', payload: 1 });
    const { id } = created.body as { id: string };
    expect(await finishedRun(tenant, { id })).toMatchObject({ state: 'succeeded', output: 1 });
  });

  it('for another body is refused, and does nothing', async () => {
    const mine = await createTenant(server);
    const key = newName('key');
    await send(key, waiting, { of: mine }).expect(201);
    expectProblem(await send(key, { ...waiting, priority: 1 }, { of: mine }), 'idempotency-key-reused');
    expectProblem(
      await send(key, { runs: [waiting] }, { of: mine, path: 'runs:batchCreate' }),
      'idempotency-key-reused',
    );
    expect(await listRuns(mine)).toHaveLength(1);
  });

  it('that was refused has done nothing, and can be mended and sent again', async () => {
    const key = newName('key');
    expectProblem(await send(key, { jobType: 'nobody.has-it' }), 'validation-failed');
    expect((await send(key, waiting)).status).toBe(201);
  });

  it('means nothing to another tenant, nor to an administrator (I10)', async () => {
    const key = newName('key');
    const mine = (await send(key, waiting)).body as { id: string };
    const stranger = await createTenant(server);
    const theirs = await send(key, waiting, { of: stranger });
    expect(theirs.status).toBe(201);
    expect(theirs.headers).not.toHaveProperty('idempotency-replayed');
    const admins = await send(key, waiting, { api: server.admin });
    expect(admins.headers).not.toHaveProperty('idempotency-replayed');
    expect((admins.body as { id: string }).id).not.toBe(mine.id);
  });

  it('many times at once through two replicas makes one run; who comes meanwhile is told to ask again', async () => {
    const mine = await createTenant(server);
    const key = newName('key');
    const apis = [mine.api, other.as(mine.key)];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        send(key, waiting, { of: mine, api: apis[index % 2] ?? mine.api }),
      ),
    );
    const created = answers.filter(
      ({ status, headers }) => status === 201 && headers['idempotency-replayed'] === undefined,
    );
    expect(created).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 201) expect(answer.text).toBe(created[0]?.text);
      else {
        expectProblem(answer, 'request-in-progress');
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      }
    }
    expect(await listRuns(mine)).toHaveLength(1);
    expect((await send(key, waiting, { of: mine })).status).toBe(201);
  });

  it('that is cut off before its answer is kept leaves neither run nor key', async () => {
    const mine = await createTenant(server);
    const client = await openClient(server.databaseUrl);
    // The answer is kept last: an end of the session there must take the run with it.
    await client.query('begin; lock table carillon.idempotency_key in exclusive mode');
    // Another session, because one transaction sees the same activity for as long as it lasts.
    const watcher = await openClient(server.databaseUrl);
    const key = newName('key');
    const cut = send(key, waiting, { of: mine }).then((response) => response.status);
    await until('the request waits to keep its answer', async () => {
      const { rowCount } = await watcher.query(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%into "carillon"."idempotency_key"%' and datname = current_database()`,
      );
      return (rowCount ?? 0) > 0;
    });
    await watcher.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and query like '%into "carillon"."idempotency_key"%' and datname = current_database()`,
    );
    expect(await cut).toBe(503);
    await client.query('rollback');
    expect(await listRuns(mine)).toEqual([]);
    const again = await send(key, waiting, { of: mine });
    expect(again.status).toBe(201);
    expect(await readRun(mine, (again.body as { id: string }).id)).toMatchObject({ state: 'scheduled' });
  });

  it.each(['', '""', 'a"b', 'ä', '"a\\b"', 'x'.repeat(256)])('that is %j is refused', async (key) => {
    const response = await send(key, waiting);
    expectProblem(response, 'bad-request');
  });

  it('is forgotten after a day', async () => {
    const key = newName('key');
    const first = (await send(key, waiting)).body as { id: string };
    const client = await openClient(server.databaseUrl);
    await client.query(
      `update carillon.idempotency_key set created_at = created_at - interval '25 hours' where key = $1`,
      [key],
    );
    const second = await send(key, waiting);
    expect(second.headers).not.toHaveProperty('idempotency-replayed');
    expect((second.body as { id: string }).id).not.toBe(first.id);
    const left = async () =>
      (await client.query('select 1 from carillon.idempotency_key where key = $1', [key])).rowCount;
    await clearAway(openDatabase(server.databaseUrl));
    expect(await left()).toBe(1);
    await client.query(
      `update carillon.idempotency_key set created_at = created_at - interval '25 hours' where key = $1`,
      [key],
    );
    await clearAway(openDatabase(server.databaseUrl));
    expect(await left()).toBe(0);
  });
});
