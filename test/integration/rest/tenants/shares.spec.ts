// May one tenant use a replica up? It asks for far more streams, waits and acquires than it has a share of, and is told
// so; another tenant asks for one of each meanwhile and is answered. The last part shows what a wait costs the database.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';
import pg from 'pg';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { problem } from '#server/http/problems/problem.js';
import { openStream } from '../../../support/event-stream.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { registerWorker } from '../../../support/pull-worker.js';
import { useTestServer } from '../../../support/test-server.js';
import { createKey, createRun, createTenant, finishedRun, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

/** From the start: each connection takes it as it finds it. */
const looks = vi.spyOn(pg.Client.prototype, 'query');

const server = useTestServer();
const greedy = useTenant(server);
const modest = useTenant(server);
afterAll(async () => {
  looks.mockRestore();
});

const LONG = { jobType: 'sleep', payload: { ms: 3_600_000 } };

interface Asked {
  /** Of the answers that have come. */
  answers: { status: number; retryAfter: string | undefined; limit: unknown }[];
  hangUp: () => void;
}

interface SentRequest {
  key: string;
  headers?: Record<string, string>;
  /** Makes it a POST. */
  body?: object;
}

/** Sends many requests at once; those that are held are ended by `hangUp`. */
function ask(count: number, path: string, { key, headers, body }: SentRequest): Asked {
  const agent = new Agent();
  const answers: Asked['answers'] = [];
  const options = {
    agent,
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
  };
  const note = async (response: IncomingMessage): Promise<void> => {
    const { statusCode: status = 0, headers: got } = response;
    const limit = status === 429 ? problem.parse(await json(response)).limit : undefined;
    answers.push({ status, retryAfter: got['retry-after'], limit });
  };
  for (let number = 0; number < count; number += 1) {
    const sent = request(`${server.url}${path}`, options, (response) => void note(response));
    sent.on('error', () => undefined); // what was hung up
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  }
  const hangUp = (): void => agent.destroy();
  onTestFinished(hangUp);
  return { answers, hangUp };
}

const statusesOf = ({ answers }: Asked): Record<number, number> =>
  Object.fromEntries(
    [...Map.groupBy(answers, ({ status }) => status)].map(([status, of]) => [status, of.length]),
  );
function expectRefused(asked: Asked, { count, limit }: { count: number; limit: object }): void {
  const refusal = { status: 429, retryAfter: '5', limit };
  expect(refusedOf(asked)).toEqual(Array.from({ length: count }, () => refusal));
}
const refusedOf = ({ answers }: Asked) => answers.filter(({ status }) => status === 429);

describe('one tenant', () => {
  it('that follows 100 logs is refused all but 20, and another follows its own', async () => {
    const { id } = await createRun(greedy, LONG);
    const logs = `${greedy.path}/runs/${id}/logs`;
    const asked = ask(100, logs, { key: greedy.key, headers: { accept: 'text/event-stream' } });
    await until('all are answered', () => asked.answers.length === 100);
    expect(statusesOf(asked)).toEqual({ 200: 20, 429: 80 });
    expectRefused(asked, { count: 80, limit: { name: 'maxLogStreams', max: 20, current: 20 } });
    const theirs = await createRun(modest, LONG);
    const stream = await openStream(`${server.url}${modest.path}/runs/${theirs.id}/logs`, {
      authorization: `Bearer ${modest.key}`,
    });
    expect(stream.status).toBe(200);
    asked.hangUp();
    await until('there is room again', async () => {
      const again = ask(1, logs, { key: greedy.key, headers: { accept: 'text/event-stream' } });
      await until('it is answered', () => again.answers.length === 1);
      return again.answers[0]?.status === 200;
    });
  });

  it('that hangs up before it is answered, 60 times, has all of its streams afterwards', async () => {
    const mine = await createTenant(server);
    const { id } = await createRun(mine, LONG);
    const logs = `${mine.path}/runs/${id}/logs`;
    const { hostname, port } = new URL(server.url);
    for (let count = 0; count < 60; count += 1) {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      const head = `GET ${logs} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${mine.key}\r\naccept: text/event-stream\r\n\r\n`;
      socket.write(head, () => socket.resetAndDestroy());
      await once(socket, 'close');
    }
    await until('as many streams as ever are opened', async () => {
      const asked = ask(20, logs, { key: mine.key, headers: { accept: 'text/event-stream' } });
      await until('all are answered', () => asked.answers.length === 20);
      const isWhole = statusesOf(asked)[200] === 20;
      asked.hangUp();
      return isWhole;
    });
  });

  it('that waits 700 times is refused all but 500, and another is answered', async () => {
    const { id } = await createRun(greedy, LONG);
    const asked = ask(700, `${greedy.path}/runs/${id}?wait=60`, { key: greedy.key });
    const theirs = await createRun(modest);
    expect(await finishedRun(modest, theirs)).toMatchObject({ state: 'succeeded' });
    await until('the refused are answered', () => asked.answers.length === 200);
    const run = await createRun(modest, { jobType: 'sleep', payload: { ms: 200 } });
    expect(await finishedRun(modest, run)).toMatchObject({ state: 'succeeded' });
    expect(statusesOf(asked)).toEqual({ 429: 200 });
    expectRefused(asked, { count: 200, limit: { name: 'maxWaits', max: 500, current: 500 } });
  });

  it('that waits 500 times with a new key hears of its limit and of nothing else, and has all places afterwards', async () => {
    const mine = await createTenant(server);
    const limits = { maxWaits: 20 };
    await server.admin.patch(mine.path).set('If-Match', '*').send({ limits }).expect(200);
    const { id } = await createRun(mine, LONG);
    const { key } = await createKey(mine.api, mine.path);
    const asked = ask(500, `${mine.path}/runs/${id}?wait=60`, { key });
    await until('all but those that wait are answered', () => asked.answers.length >= 480);
    expect(statusesOf(asked)).toEqual({ 429: 480 });
    expectRefused(asked, { count: 480, limit: { name: 'maxWaits', max: 20, current: 20 } });
    asked.hangUp();
    await until('there is room for all again', async () => {
      const again = ask(20, `${mine.path}/runs/${id}?wait=1`, { key });
      await until('all are answered', () => again.answers.length === 20);
      return statusesOf(again)[200] === 20;
    });
  });

  it('that acquires 400 times is refused all but 100, and another gets its lease', async () => {
    const { workerId } = await registerWorker(greedy);
    const jobTypes = Array.from({ length: 200 }, (_, index) => `none-${index}`);
    const body = { workerId, jobTypes, waitSeconds: 50, requestId: randomUUID() };
    const asked = ask(400, `${greedy.path}/worker/leases:acquire`, { key: greedy.key, body });
    await until('the refused are answered', () => asked.answers.length === 300);
    const worker = await registerWorker(modest);
    const lease = worker.take();
    await createRun(modest, { jobType: worker.jobType });
    expect(await lease).toMatchObject({ token: expect.any(String) as string });
    expectRefused(asked, { count: 300, limit: { name: 'maxAcquires', max: 100, current: 100 } });
  });

  it('sees its shares, which only an administrator sets', async () => {
    const mine = await createTenant(server);
    const shown = await mine.api.get(mine.path).expect(200);
    expect(shown.body).toMatchObject({ limits: { maxWaits: 500, maxAcquires: 100, maxLogStreams: 20 } });
    const change = { limits: { maxWaits: 1 } };
    expectProblem(await mine.api.patch(mine.path).set('If-Match', '*').send(change), 'forbidden');
    const changed = await server.admin.patch(mine.path).set('If-Match', '*').send(change).expect(200);
    expect(changed.body).toMatchObject({ limits: { maxWaits: 1, maxAcquires: 100 } });
    const { id } = await createRun(mine, LONG);
    const asked = ask(2, `${mine.path}/runs/${id}?wait=60`, { key: mine.key });
    await until('one is refused', () => asked.answers.length === 1);
    expect(refusedOf(asked)).toEqual([
      { status: 429, retryAfter: '5', limit: { name: 'maxWaits', max: 1, current: 1 } },
    ]);
  });
});

describe('a key that is revoked', () => {
  it('ends the stream that it opened, and takes no answer for a wait or lease for an acquire', async () => {
    const worker = await registerWorker(greedy);
    const { id } = await createRun(greedy, LONG);
    const { id: keyId, key } = await createKey(server.admin, greedy.path);
    const stream = await openStream(`${server.url}${greedy.path}/runs/${id}/logs`, {
      authorization: `Bearer ${key}`,
    });
    expect(stream.status).toBe(200);
    const waiting = ask(1, `${greedy.path}/runs/${id}?wait=3`, { key });
    const { workerId, jobType } = worker;
    const wish = { workerId, jobTypes: [jobType], waitSeconds: 50, requestId: randomUUID() };
    const acquire = `${greedy.path}/worker/leases:acquire`;
    const acquiring = ask(1, acquire, { key, body: wish });
    await until('the key was used', async () => {
      const { body } = await greedy.api.get(`${greedy.path}/worker/workers`).expect(200);
      return (body as { items: unknown[] }).items.length > 0;
    });
    await greedy.api.post(`${greedy.path}/api-keys/${keyId}:revoke`).expect(204);
    await createRun(greedy, { jobType });
    await stream.ended;
    await until('both are answered', () => waiting.answers.length + acquiring.answers.length === 2);
    expect([waiting.answers[0]?.status, acquiring.answers[0]?.status]).toEqual([401, 401]);
    expect(stream.events).toEqual([]);
    expect(await worker.acquire()).toHaveLength(1);
  });
});

describe('a hundred callers who wait', () => {
  it('cost a statement a second, and are answered as soon as their run has ended', async () => {
    const { id } = await createRun(modest, LONG);
    const looked = (): number =>
      looks.mock.calls.filter(([asked]: unknown[]) =>
        (typeof asked === 'string' ? asked : ((asked as { text?: string } | undefined)?.text ?? '')).includes(
          'as asked (id)',
        ),
      ).length;
    const asked = ask(100, `${modest.path}/runs/${id}?wait=60`, { key: modest.key });
    const seenAtMs: number[] = [];
    await until('three looks came nearly a second apart', () => {
      if (looked() > seenAtMs.length)
        seenAtMs.push(...Array<number>(looked() - seenAtMs.length).fill(performance.now()));
      const [third = 0, second = 0, first = 0] = seenAtMs.slice(-3).toReversed();
      return seenAtMs.length > 3 && third - second > 900 && second - first > 900;
    });
    const cancelledAt = performance.now();
    await modest.api.post(`${modest.path}/runs/${id}:cancel`).expect(200);
    await until('all are answered', () => asked.answers.length === 100);
    expect(new Set(asked.answers.map(({ status }) => status))).toEqual(new Set([200]));
    // Half of the time that they would wait for.
    expect(performance.now() - cancelledAt).toBeLessThan(30_000);
  });
});

describe("a lease's token", () => {
  it('gets one answer on the path of another tenant and on that of none (I10)', async () => {
    const worker = await registerWorker(greedy);
    await createRun(greedy, { jobType: worker.jobType });
    const { token } = await worker.take();
    const say = (path: string) => server.anonymous.post(`${path}/worker/leases/${token}:heartbeat`).send({});
    const known = expectProblem(await say(modest.path), 'lease-lost');
    const unknown = expectProblem(await say(`${modest.path}-unknown`), 'lease-lost');
    expect({ ...unknown, instance: '', requestId: '' }).toEqual({ ...known, instance: '', requestId: '' });
    await say(greedy.path).expect(200);
  });
});
