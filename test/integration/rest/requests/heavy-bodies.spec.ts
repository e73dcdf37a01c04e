// Does a body cost its replica nothing before it is known who sends it, and little afterwards, and is what it says kept
// to the last digit?
import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Agent, fetch, type Response } from 'undici';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { watchProcess } from '../../../support/loop-watch.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createKey,
  createTenant,
  useTenant,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

let jobType: string;

const server = useTestServer();
const tenant = useTenant(server);

beforeAll(async () => {
  ({ name: jobType } = await createJobType(tenant, { target: { kind: 'pull' } }));
});
const agent = new Agent();
afterAll(async () => {
  await agent.destroy();
});

const post = (path: string, text: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${server.url}${tenant.path}/${path}`, {
    method: 'POST',
    dispatcher: agent,
    headers: { authorization: `Bearer ${tenant.key}`, 'content-type': 'application/json', ...headers },
    body: new Uint8Array(Buffer.from(text)),
  });

const said = async (answer: Promise<Response>) => {
  const response = await answer;
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

describe('a batch that inflates to more than may be sent', () => {
  const bomb = gzipSync(`{"runs":[${'[],'.repeat(21_000_000)}0]}`, { level: 9 });

  it('is refused by its key, and unread', async () => {
    const other = await createTenant(server);
    const watch = watchProcess();
    for (const [key, status] of [
      [other.key, 404],
      [(await createKey(tenant.api, tenant.path, { role: 'worker' })).key, 403],
      ['ck_unknown', 401],
    ] as const)
      expect(
        (await post('runs:batchCreate', bomb, { 'content-encoding': 'gzip', authorization: `Bearer ${key}` }))
          .status,
      ).toBe(status);
    watch.judge();
  });

  it('is refused by its size to its own tenant', async () => {
    const watch = watchProcess();
    const answer = await post('runs:batchCreate', bomb, { 'content-encoding': 'gzip' });
    expect([413, 422]).toContain(answer.status);
    watch.judge();
  });
});

describe('a body on the path of a lease', () => {
  const token = 'A'.repeat(64);
  const send = (type: string, text: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}${tenant.path}/worker/leases/${token}${type === 'json' ? ':complete' : '/logs'}`, {
      method: 'POST',
      dispatcher: agent,
      headers: { 'content-type': type === 'json' ? 'application/json' : 'application/x-ndjson', ...headers },
      body: text,
    });

  it.each(['json', 'ndjson'])('is not read for a token that was never given out: %s', async (type) => {
    for (const text of ['{', 'x'.repeat(2_000_000)]) expect((await send(type, text)).status).toBe(401);
    const known = await send(type, 'x'.repeat(2_000_000), { authorization: `Bearer ${tenant.key}` });
    // Log lines are a sign of life, so the lease is looked for before a body that can't be taken is refused.
    expect(known.status).toBe(type === 'json' ? 413 : 409);
  });
});

describe('a large batch', () => {
  it('is read in slices, and creates its runs', async () => {
    const runs = Array.from({ length: 10_000 }, (_, n) => ({
      jobType,
      payload: { n, text: 'x'.repeat(1_000) },
    }));
    const text = JSON.stringify({ mode: 'per-item', runs });
    const watch = watchProcess();
    const { status, body } = await said(post('runs:batchCreate', text));
    expect({ status, created: body['created'] }).toEqual({ status: 200, created: 10_000 });
    watch.judge();
  });

  it('of one tenant keeps a second one of it out, and then no longer', async () => {
    const text = JSON.stringify({
      runs: Array.from({ length: 5_000 }, () => ({ jobType, payload: 'x'.repeat(300) })),
    });
    const statuses = await Promise.all(
      [1, 2, 3].map(async () => (await post('runs:batchCreate', text)).status),
    );
    expect(statuses).toContain(200);
    expect(statuses).toContain(429);
    expect((await post('runs:batchCreate', `{"runs":[{"jobType":"${jobType}"}]}`)).status).toBe(200);
  });

  it.each([
    ['{"runs":[{}', 400],
    ['{"runs":[,]}', 400],
    ['{"runs":[{"jobType":}]}', 400],
    ['{"runs":[1],"runs":[{}]}', 400],
    ['{"runs":{"a":[1]}}', 422],
    ['{"runs":[]}', 422],
    [`{"runs":[${'1,'.repeat(10_000)}1]}`, 422],
    ['{"x":{"runs":[1,2]}}', 422],
  ])('that says %s is answered %i', async (text, status) => {
    expect((await post('runs:batchCreate', text)).status).toBe(status);
  });
});

describe('bodies that are under way', () => {
  const MIB = 1024 * 1024;
  /** Sends the head of a request, which says how much will come, and not the rest. */
  const begin = async (from: TestTenant, path: string, bytes: number) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(
      `POST ${from.path}/${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${from.key}\r\n` +
        `content-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n{`,
    );
    return { answer: () => /^HTTP\/1\.1 (\d+)/.exec(heard)?.[1], heard: () => heard, socket };
  };

  it('of one tenant have a bound in sum, over which it is told to wait; another is served', async () => {
    const crowd = await Promise.all(Array.from({ length: 40 }, () => begin(tenant, 'runs', MIB)));
    const refused = () => crowd.filter(({ answer }) => answer() !== undefined);
    await until('those that are too many are refused', () => refused().length === 8);
    for (const { heard } of refused()) expect(heard()).toMatch(/^HTTP\/1\.1 429 [^]*\r\nretry-after: 1\r\n/i);
    const other = await createTenant(server);
    await other.api
      .post(`${other.path}/runs`)
      .send({ jobType: 'noop', payload: 'x'.repeat(200_000) })
      .expect(201);
    // What is small has room in any case.
    await tenant.api.post(`${tenant.path}/runs`).send({ jobType }).expect(201);
    for (const { socket } of crowd) socket.destroy();
    await until('there is room again', async () => {
      const { status } = await post('runs', `{"jobType":"${jobType}","payload":"${'x'.repeat(100_000)}"}`);
      return status === 201;
    });
  });

  it('of callers who hang up at once leave nothing behind', async () => {
    const mine = await createTenant(server);
    for (let count = 0; count < 40; count += 1) {
      const { socket } = await begin(mine, 'runs:batchCreate', 16 * MIB);
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    await until('its batch is taken', async () => {
      const { answer, socket } = await begin(mine, 'runs:batchCreate', 2 * MIB);
      socket.write(`${' '.repeat(2 * MIB - 2)}}`);
      await until('it is answered', () => answer() !== undefined);
      return answer() === '422';
    });
  });

  it('of all tenants have a bound in sum, over which the replica says that it is busy', async () => {
    const tenants = await Promise.all(Array.from({ length: 7 }, () => createTenant(server)));
    const crowd = await Promise.all(tenants.map((each) => begin(each, 'runs:batchCreate', 16 * MIB)));
    const refused = () => crowd.filter(({ answer }) => answer() !== undefined);
    await until('one is refused', () => refused().length === 1);
    expect(refused()[0]?.heard()).toMatch(/^HTTP\/1\.1 503 [^]*\r\nretry-after: 1\r\n[^]*REPLICA_BUSY/i);
    await tenant.api.post(`${tenant.path}/runs`).send({ jobType }).expect(201);
    for (const { socket } of crowd) socket.destroy();
    const batch = JSON.stringify({
      runs: Array.from({ length: 5_000 }, () => ({ jobType, payload: 'x'.repeat(300) })),
    });
    await until('there is room again', async () => (await post('runs:batchCreate', batch)).status === 200);
  });
});

describe('a value that can not be kept as it came', () => {
  const deep = '['.repeat(20_000) + ']'.repeat(20_000);

  it.each([
    ['9007199254740993', '/payload/n'],
    ['1e400', '/payload/n'],
    [deep, `/payload/n${'/0'.repeat(98)}`],
  ])('is refused with its place, alone and in a batch: %.20s', async (value, pointer) => {
    const run = `{"jobType":"${jobType}","payload":{"n":${value}}}`;
    for (const headers of [{}, { 'idempotency-key': `k${value.length}` }] as Record<string, string>[]) {
      expect(await said(post('runs', run, headers))).toMatchObject({
        status: 422,
        body: { errors: [{ pointer }] },
      });
      const { status, body } = await said(
        post('runs:batchCreate', `{"mode":"per-item","runs":[${run}]}`, headers),
      );
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { results: [{ error: { pointer: `/runs/0${pointer}` } }] },
      });
    }
  });

  it('is refused when it is no UTF-8', async () => {
    const text = Buffer.concat([
      Buffer.from(`{"jobType":"${jobType}","payload":"`),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    expect(await said(post('runs', text))).toMatchObject({ status: 400, body: { code: 'MALFORMED_JSON' } });
    expect((await post('runs:batchCreate', text)).status).toBe(400);
  });
});
