// Does waiting for a run's end keep its word: never too long, never in the way of other requests, and never
// longer than the replica itself?
import { once } from 'node:events';
import { Agent, get, type ClientRequest, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { startTestServer, useTestServer, type TestServer } from '../../../support/test-server.js';
import {
  createRun,
  createTenant,
  finishedRun,
  readRun,
  useTenant,
  type Run,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const LONG = { jobType: 'sleep', payload: { ms: 3_600_000 } };

describe('waiting', () => {
  it('answers when the run ends, long before the time is up', async () => {
    const run = await createRun(tenant, { jobType: 'sleep', payload: { ms: 200 } });
    expect(await finishedRun(tenant, run, 60)).toMatchObject({
      state: 'succeeded',
      output: { sleptMs: 200 },
    });
  });

  it('answers at once for a run that has ended', async () => {
    const run = await createRun(tenant);
    await finishedRun(tenant, run);
    expect(await finishedRun(tenant, run, 60)).toMatchObject({ state: 'succeeded' });
  });

  it('answers with the run as it is when the time is up', async () => {
    const { id } = await createRun(tenant, LONG);
    const { body } = await tenant.api.get(`${tenant.path}/runs/${id}?wait=0.3`).expect(200);
    expect(body).toMatchObject({ id, finishedAt: null, output: null });
  });

  it.each(['61', '-1', 'abc', '1e1', '0x1', '1.', '.5', '+1', '%205', '', 'Infinity', 'NaN', '1s'])(
    'for %s seconds is refused',
    async (wait) => {
      const { id } = await createRun(tenant);
      expect(expectFields(await tenant.api.get(`${tenant.path}/runs/${id}?wait=${wait}`))).toEqual(['?wait']);
    },
  );

  it.each(['60', '0', '0.001', '05'])('for %j seconds is allowed', async (wait) => {
    const { id } = await createRun(tenant);
    await tenant.api.get(`${tenant.path}/runs/${id}?wait=${wait}`).expect(200);
  });

  it('a hundred callers of one run, and callers of a hundred runs, are all answered', async () => {
    const slow = await createRun(tenant, { jobType: 'sleep', payload: { ms: 300 } });
    const runs = await Promise.all(
      Array.from({ length: 100 }, () => createRun(tenant, { jobType: 'sleep', payload: { ms: 50 } })),
    );
    const answers = await Promise.all(
      [...Array<Run>(100).fill(slow), ...runs].map((run) => finishedRun(tenant, run)),
    );
    expect(answers.map(({ state }) => state)).toEqual(Array(200).fill('succeeded'));
  });

  it('through another replica than the one that executes the run is answered, too', async () => {
    const second = await startTestServer({ databaseUrl: server.databaseUrl, env: { CARILLON_ROLES: 'api' } });
    const run = await createRun(tenant, { jobType: 'sleep', payload: { ms: 200 } });
    const ended = await finishedRun({ ...tenant, api: second.as(tenant.key) }, run);
    await second.stop();
    expect(ended.state).toBe('succeeded');
  });
});

describe('a caller who hangs up while waiting', () => {
  it('takes nothing from those who go on waiting', async () => {
    const run = await createRun(tenant, { jobType: 'sleep', payload: { ms: 1_000 } });
    const others = finishedRun(tenant, run);
    const calls = await Promise.all(Array.from({ length: 5 }, () => startWaiting(server, tenant, run.id)));
    for (const call of calls) call.destroy();
    expect(await others).toMatchObject({ state: 'succeeded' });
  });

  it('leaves no connection behind', async () => {
    const { id } = await createRun(tenant, LONG);
    await until('nobody is connected', async () => (await connections(server)) === 0);
    const call = await startWaiting(server, tenant, id);
    call.destroy();
    await until('nobody is connected', async () => (await connections(server)) === 0);
    expect(await readRun(tenant, id)).toMatchObject({ finishedAt: null });
  });
});

describe('a replica that stops while callers wait', () => {
  it('answers them with the run as it is, and is not kept from stopping', async () => {
    const leaving = await startTestServer();
    const mine = await createTenant(leaving);
    const { id } = await createRun(mine, LONG);
    const agent = new Agent({ keepAlive: true });
    const call = await startWaiting(leaving, mine, id, agent);
    const answered = once(call, 'response') as Promise<[IncomingMessage]>;
    const startedAt = performance.now();
    const stopped = leaving.stop();
    const [response] = await answered;
    expect(await json(response)).toMatchObject({ id, finishedAt: null });
    agent.destroy();
    await stopped;
    // Half of the time that the caller would wait for.
    expect(performance.now() - startedAt).toBeLessThan(30_000);
  });

  it('is not kept from stopping by a connection that its caller keeps open', async () => {
    const leaving = await startTestServer();
    // A stop that is kept from ending would take as long as this.
    leaving.running.app.getHttpServer().keepAliveTimeout = 3_600_000;
    const mine = await createTenant(leaving);
    const { id } = await createRun(mine, LONG);
    const agent = new Agent({ keepAlive: true });
    const call = await startWaiting(leaving, mine, id, agent);
    const answered = once(call, 'response') as Promise<[IncomingMessage]>;
    const stopped = leaving.running.stop();
    await json((await answered)[0]);
    expect(await stopped).toBeUndefined();
    agent.destroy();
    await leaving.stop();
  });
});

/** Resolves when the server has the request. */
async function startWaiting(
  { url, running }: TestServer,
  { path, key }: TestTenant,
  id: string,
  agent?: Agent,
): Promise<ClientRequest> {
  const requests = once(running.app.getHttpServer(), 'request');
  const call = get(`${url}${path}/runs/${id}?wait=60`, {
    headers: { authorization: `Bearer ${key}` },
    ...(agent === undefined ? {} : { agent }),
  });
  call.on('error', () => undefined); // a call that is destroyed tells so here as well
  await requests;
  return call;
}

async function connections({ running }: TestServer): Promise<number> {
  return new Promise((resolve, reject) => {
    running.app
      .getHttpServer()
      .getConnections((error: Error | null, count: number) =>
        error === null ? resolve(count) : reject(error),
      );
  });
}
