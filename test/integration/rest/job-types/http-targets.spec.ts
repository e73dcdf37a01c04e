// How is a run pushed to an HTTP endpoint, and what becomes of the answer? The endpoint is one of ours, on
// 127.0.0.1, which the operator of this replica has allowed; every other address that is not public is not.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createSchedule,
  finish,
  finishedRun,
  listFires,
  newName,
  useTenant,
  type Run,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

interface Call {
  path: string;
  method: string;
  headers: IncomingHttpHeaders;
  body: string;
}

let base: string;
const calls: Call[] = [];
const answers = new Map<string, RequestListener>();

const receive = async (...[request, response]: Parameters<RequestListener>): Promise<void> => {
  const { url: path = '', method = '', headers } = request;
  calls.push({ path, method, headers, body: await text(request) });
  const answer = answers.get(path);
  if (answer === undefined) response.writeHead(204).end();
  else answer(request, response);
};
const receiver = createServer((request, response) => void receive(request, response));

const server = useTestServer({ env: { CARILLON_HTTP_ALLOWED_HOSTS: '127.0.0.1' } });
const tenant = useTenant(server);

beforeAll(async () => {
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`; // a TCP server that listens has one
});
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await once(receiver, 'close');
});

const QUICKLY = { maxAttempts: 3, backoff: 'fixed', minSeconds: 0.001, maxSeconds: 0.001, jitter: 0 };

interface Push {
  answer?: RequestListener;
  url?: string;
  headers?: Record<string, string>;
  payload?: unknown;
  attempts?: number;
  timeoutSeconds?: number;
}

/** Pushes one run to a path of its own, and resolves with what it became and the calls that were made. */
async function push({
  answer,
  url,
  headers = {},
  payload = {},
  attempts = 3,
  timeoutSeconds = 10,
}: Push): Promise<{ run: Run; made: Call[] }> {
  const path = `/${newName('hook')}`;
  if (answer !== undefined) answers.set(path, answer);
  const { name } = await createJobType(tenant, {
    target: { kind: 'http', url: url ?? `${base}${path}`, headers },
    retry: { ...QUICKLY, maxAttempts: attempts },
    timeoutSeconds,
  });
  const run = await finish(tenant, { jobType: name, payload });
  return { run, made: calls.filter((call) => call.path === path) };
}

const answerWith =
  (status: number, body = '', headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body);

describe('a call', () => {
  it('posts the payload as JSON, names the run and the attempt, and carries the headers of the job type', async () => {
    const payload = { to: 'Zoë', list: [1, null, '🎼'] };
    const { run, made } = await push({
      payload,
      headers: { Authorization: 'Bearer theirs', 'X-Tenant-Header': 'yes' },
    });
    expect(run).toMatchObject({ state: 'succeeded', attempt: 1, output: null });
    expect(made).toHaveLength(1);
    const [{ method, headers, body } = { method: '', headers: {}, body: '' }] = made;
    expect(method).toBe('POST');
    expect(JSON.parse(body)).toEqual(payload);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(JSON.stringify(payload))),
      'webhook-id': run.id,
      'x-run-id': run.id,
      'x-attempt': '1',
      authorization: 'Bearer theirs',
      'x-tenant-header': 'yes',
    });
    expect(headers).not.toHaveProperty('x-fire-time');
  });

  it('says which due time it is for when a schedule asked for it', async () => {
    const path = `/${newName('hook')}`;
    const { name } = await createJobType(tenant, { target: { kind: 'http', url: `${base}${path}` } });
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 }, jobType: name });
    const fired = await until('it has fired', async () =>
      (await listFires(tenant, schedule.name)).find(({ outcome }) => outcome === 'fired'),
    );
    await finishedRun(tenant, { id: fired.runId ?? '' });
    expect(calls.find((call) => call.headers['webhook-id'] === fired.runId)?.headers['x-fire-time']).toBe(
      fired.dueAt,
    );
  });

  it('has the same id and the next number at each attempt', async () => {
    let left = 2;
    const { run, made } = await push({
      answer: (_request, response) => void response.writeHead(left-- > 0 ? 503 : 200).end('{"ok":true}'),
    });
    expect(run).toMatchObject({ state: 'succeeded', attempt: 3, output: { ok: true } });
    expect(made.map(({ headers }) => headers['webhook-id'])).toEqual([run.id, run.id, run.id]);
    expect(made.map(({ headers }) => headers['x-attempt'])).toEqual(['1', '2', '3']);
    expect(run.pastAttempts).toMatchObject([
      { error: { name: 'HttpStatus' } },
      { error: { name: 'HttpStatus' } },
    ]);
  });
});

describe('an answer of', () => {
  it.each([
    [200, '{"invoice":17,"ok":true}', { invoice: 17, ok: true }],
    [201, '[1,2]', [1, 2]],
    [201, '"soon"', 'soon'],
    [200, 'plain text', 'plain text'],
    [200, '', null],
    [200, 'null', null],
    [200, '{"text":"a\\u0000b"}', { text: 'a\ufffdb' }],
    [200, 'a\0b', 'a\ufffdb'],
    [200, '{"half":"\\ud83c"}', { half: '\ufffd' }],
    [204, '', null],
  ])('%i with the body %j is a success', async (status, body, output) => {
    const { run, made } = await push({ answer: answerWith(status, body) });
    expect(run).toMatchObject({ state: 'succeeded', attempt: 1, error: null });
    expect(run.output).toEqual(output);
    expect(made).toHaveLength(1);
  });

  it('500, 502, 503, 408, 425 or 429 is tried again until the attempts are used up', async () => {
    const statuses = [500, 502, 503, 408, 425, 429];
    const pushes = await Promise.all(
      statuses.map((status) => push({ answer: answerWith(status, 'try later'), attempts: 2 })),
    );
    for (const [index, { run, made }] of pushes.entries()) {
      expect(run).toMatchObject({ state: 'dead-lettered', attempt: 2, error: { name: 'HttpStatus' } });
      expect(run.error?.message).toMatch(new RegExp(`got ${statuses[index]}: try later`));
      expect(made).toHaveLength(2);
    }
  });

  it.each([400, 401, 404, 410, 422])('%i is a failure at once', async (status) => {
    const { run, made } = await push({ answer: answerWith(status, 'no, thanks') });
    expect(run).toMatchObject({
      state: 'failed',
      attempt: 1,
      pastAttempts: [],
      error: { name: 'HttpStatus' },
    });
    expect(run.error?.message).toMatch(new RegExp(`got ${status}: no, thanks`));
    expect(made).toHaveLength(1);
  });

  it.each([301, 302, 303, 307, 308])('%i is not followed', async (status) => {
    const elsewhere = `/${newName('elsewhere')}`;
    const { run, made } = await push({ answer: answerWith(status, '', { location: `${base}${elsewhere}` }) });
    expect(run).toMatchObject({ state: 'failed', attempt: 1, error: { name: 'HttpStatus' } });
    expect(made).toHaveLength(1);
    expect(calls.filter(({ path }) => path === elsewhere)).toEqual([]);
  });

  it.each([
    ['with NUL characters', 'a\0b'],
    ['with a character cut in two where the error ends', `${'x'.repeat(499)}🎼`],
    ['that is long', 'x'.repeat(100_000)],
    ['that is no UTF-8', Buffer.from([0xff, 0xfe, 0x00]).toString('latin1')],
  ])('400 %s fails its run, and no other', async (_, body) => {
    const { run } = await push({ answer: answerWith(400, body) });
    expect(run).toMatchObject({ state: 'failed', error: { name: 'HttpStatus' } });
    expect(run.error?.message.length).toBeLessThan(700);
    expect(await finish(tenant)).toMatchObject({ state: 'succeeded' });
  });

  it('200 with more than 256 KiB fails once, for good, and says so', async () => {
    const { run, made } = await push({ answer: answerWith(200, 'x'.repeat(300_000)) });
    expect(run).toMatchObject({ state: 'failed', attempt: 1, error: { name: 'UnfitAnswer' } });
    expect(made).toHaveLength(1);
    expect(run.error?.message).toMatch(/at most 262144 bytes/);
  });
});

describe('an endpoint that', () => {
  it('does not answer in time is given up, and tried again', async () => {
    const { run, made } = await push({ answer: () => undefined, timeoutSeconds: 0.1, attempts: 2 });
    expect(run).toMatchObject({ state: 'dead-lettered', attempt: 2, error: { name: 'AttemptStopped' } });
    expect(made).toHaveLength(2);
  });

  it('hangs up in the middle is tried again', async () => {
    let left = 1;
    const { run } = await push({
      answer: (request, response) =>
        left-- > 0 ? void request.socket.destroy() : void response.writeHead(200).end('"at last"'),
    });
    expect(run).toMatchObject({ state: 'succeeded', attempt: 2, output: 'at last' });
  });

  it('does not exist is tried again, and the last error says why', async () => {
    const { run } = await push({ url: 'http://127.0.0.1:1/', attempts: 2 });
    expect(run).toMatchObject({ state: 'dead-lettered', attempt: 2 });
    expect(run.error).toEqual({
      name: 'CallFailed',
      message: 'expected an answer from http://127.0.0.1:1/, but the connection was refused (ECONNREFUSED)',
    });
  });

  it.each([
    ['localhost', 'http://localhost:8080/'],
    ['another loopback address', 'http://127.0.0.2:1/'],
    ['an address of the local network', 'http://10.0.0.1/'],
    ["a cloud's metadata address", 'http://169.254.169.254/latest/meta-data/'],
    ['no address', 'http://0.0.0.0/'],
    ['the loopback address of IPv6', 'http://[::1]:1/'],
    ['IPv4 dressed as IPv6', 'http://[::ffff:10.0.0.1]/'],
    ['a local address of IPv6', 'http://[fd00::1]/'],
    ['an address written as one number', 'http://167772161/'],
    ['an address written in octal', 'http://012.0.0.1/'],
  ])('is at %s is never called', async (_, url) => {
    const { run } = await push({ url, attempts: 1 });
    expect(run).toMatchObject({ state: 'dead-lettered', error: { name: 'BlockedAddress' } });
    expect(run.error?.message).toMatch(/expected a public address, got /);
    // Not what the name means here, and not where in the server's files it was refused.
    expect(Object.keys(run.error ?? {})).toEqual(['name', 'message']);
    expect(run.error?.message).not.toMatch(/\((127|::1)/);
  });
});
