// What do eight bodies that come at once cost, each of them within the limits and made to be dear to look at? A tenant with
// a few keys sends them as fast as it can, and no heartbeat of the replica may be late for it.
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchProcess } from '../../../support/loop-watch.js';
import { registerWorker } from '../../../support/pull-worker.js';
import { useTestServer } from '../../../support/test-server.js';
import { useTenant, type TestTenant } from '../../../support/test-tenant.js';

const CROWD = 8;

const agent = new Agent();

const server = useTestServer();
const tenant = useTenant(server);
const other = useTenant(server);

beforeAll(async () => {
  await tenant.api
    .post(`${tenant.path}/schedules`)
    .send({ name: 'patched', spec: { cron: '0 0 1 1 *' }, jobType: 'noop' })
    .expect(201);
});
afterAll(async () => {
  await agent.destroy();
});

const fields = (count: number): string =>
  `{${Array.from({ length: count }, (_, name) => `"${name}":1`).join(',')}}`;
const ones = (count: number): string => `[${'1,'.repeat(count - 1)}1]`;
const inPayload = (payload: string): string => `{"jobType":"noop","payload":${payload}}`;
const inWorker = (jobTypes: string, labels = '{}'): string =>
  `{"name":"w","jobTypes":${jobTypes},"labels":${labels}}`;

/** What stands after the tenant's path, the body, and how it is answered. */
const CROWDS: [what: string, path: string, body: string, status: number][] = [
  ['104,000 unknown fields', 'runs', fields(104_000), 422],
  ['as many unknown fields as may be', 'runs', fields(59_000), 422],
  ['a payload of 104,000 fields', 'runs', inPayload(fields(104_000)), 422],
  ['a payload of as many fields as may be', 'runs', inPayload(fields(59_000)), 413],
  ['a payload of 520,000 numbers', 'runs', inPayload(ones(500_000)), 422],
  ['a payload of as many numbers as may be stored', 'runs', inPayload(ones(131_000)), 201],
  ['suspicious numbers', 'runs', inPayload(`[${'1000000000000000,'.repeat(60_000)}1]`), 413],
  ['no JSON at the very end', 'runs', ones(149_000).replace(/\]$/, '}'), 400],
  [
    'a batch of such runs',
    'runs:batchCreate',
    `{"runs":[${inPayload(ones(140_000))},${fields(59_000)}]}`,
    413,
  ],
  ['job types that are none', 'worker/workers:register', inWorker(ones(149_000)), 422],
  ['labels', 'worker/workers:register', inWorker('[{"name":"pulled"}]', fields(59_000)), 422],
  [
    'job types that are too many',
    'worker/leases:acquire',
    `{"workerId":"${'0'.repeat(8)}","requestId":"r","jobTypes":[${'"a",'.repeat(140_000)}"a"]}`,
    422,
  ],
  ['tags', 'runs', `{"jobType":"noop","tags":[${'"a",'.repeat(140_000)}1]}`, 422],
  [
    'a schema',
    'job-types',
    `{"name":"heavy","target":{"kind":"pull"},"payloadSchema":${fields(59_000)}}`,
    422,
  ],
  [
    'headers',
    'job-types',
    `{"name":"heavy","target":{"kind":"http","url":"https://example.com","headers":${fields(59_000)}}}`,
    422,
  ],
  ['a body that is not read', 'schedules/patched:pause', ones(149_000), 422],
];

/** The longest stretch is judged by processor time, so that a busy machine is not taken for a slow body. */
async function expectUnheld(
  send: () => Promise<{ status: number; text: () => Promise<string> }>,
  status: number,
) {
  const watch = watchProcess();
  const answers = await Promise.all(
    Array.from({ length: CROWD }, async () => {
      const answer = await send();
      return { status: answer.status, text: await answer.text() };
    }),
  );
  watch.judge();
  return answers.map((answer) => {
    expect(answer, answer.text.slice(0, 500)).toMatchObject({ status });
    return answer.text;
  });
}

const post = (
  to: TestTenant,
  path: string,
  { body, ...other }: { body: string; headers?: Record<string, string>; method?: string },
) =>
  fetch(`${server.url}${to.path}/${path}`, {
    method: 'POST',
    dispatcher: agent,
    ...other,
    headers: { authorization: `Bearer ${tenant.key}`, 'content-type': 'application/json', ...other.headers },
    body,
  });

describe('a crowd of ordinary bodies that are dear to look at', () => {
  it.each(CROWDS)('holds nothing up: %s', async (_, path, body, status) => {
    await expectUnheld(() => post(tenant, path, { body }), status);
  });

  it.each(['first', 'second'])('holds nothing up with an idempotency key, sent for the %s time', async () => {
    const body = inPayload(ones(131_000));
    let sent = 0;
    const send = () => post(tenant, 'runs', { body, headers: { 'idempotency-key': `k${(sent += 1)}` } });
    await expectUnheld(send, 201);
  });

  it('holds nothing up on the path of another tenant', async () => {
    const [refused, unseen] = [fields(104_000), inPayload(ones(140_000))];
    await expectUnheld(() => post(other, 'runs', { body: refused }), 422);
    await expectUnheld(() => post(other, 'runs', { body: unseen }), 404);
  });

  it('holds nothing up as a patch', async () => {
    const { headers } = await tenant.api.get(`${tenant.path}/schedules/patched`).expect(200);
    const body = `{"payload":${fields(59_000)}}`;
    const sent = { body, method: 'PATCH', headers: { 'if-match': String(headers['etag']) } };
    await expectUnheld(() => post(tenant, 'schedules/patched', sent), 413);
  });
});

describe('the same on the path of a lease', () => {
  let token: string;
  beforeAll(async () => {
    const worker = await registerWorker(tenant, { leaseSeconds: 600, timeoutSeconds: 600 });
    await tenant.api.post(`${tenant.path}/runs`).send({ jobType: worker.jobType }).expect(201);
    ({ token } = await worker.take());
  });
  const say = (word: string, body: string, type: string) =>
    fetch(`${server.url}${tenant.path}/worker/leases/${token}${word}`, {
      method: 'POST',
      dispatcher: agent,
      headers: { 'content-type': type },
      body,
    });

  it.each([
    ['unknown fields', ':heartbeat', fields(104_000), 200],
    ['as many as may be', ':heartbeat', fields(59_000), 200],
    ['details', ':heartbeat', `{"details":${ones(149_000)}}`, 200],
    ['an output', ':complete', `{"output":${ones(149_000)}}`, 413],
    ['nothing but line breaks', '/logs', '\n'.repeat(1_000_000), 202],
    ['a line of many fields', '/logs', `{"message":"a","fields":${fields(59_000)}}`, 202],
    ['lines of many numbers', '/logs', `{"message":"a","fields":{"b":${ones(120_000)}}}\n`.repeat(4), 202],
    ['many lines', '/logs', '1\n'.repeat(400_000), 413],
  ])('holds nothing up: %s', async (_, word, body, status) => {
    const type = word === '/logs' ? 'application/x-ndjson' : 'application/json';
    await expectUnheld(() => say(word, body, type), status);
  });
});
