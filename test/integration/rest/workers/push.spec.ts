// Can an endpoint trust a call, and go on after it has answered? The receiver checks signatures with the library of
// the standard itself, and ends its leases with nothing but what the call told it.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  createTenant,
  finish,
  finishedRun,
  newName,
  readRun,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

interface Call {
  headers: IncomingHttpHeaders;
  body: string;
}

let base: string;
const calls = new Map<string, Call[]>();
const answers = new Map<string, RequestListener>();

const receiver = createServer((request, response) => {
  const { url = '', headers } = request;
  void text(request).then((body) => {
    calls.set(url, [...(calls.get(url) ?? []), { headers, body }]);
    return (answers.get(url) ?? answerWith(204))(request, response);
  });
});

const server = useTestServer({ env: { CARILLON_HTTP_ALLOWED_HOSTS: '127.0.0.1' } });

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

const answerWith =
  (status: number, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end();

/** An endpoint of its own, and the job type that calls it. */
async function endpoint(tenant: TestTenant, answer: RequestListener, wish: object = {}) {
  const path = `/${newName('hook')}`;
  answers.set(path, answer);
  const target = { kind: 'http', url: base + path };
  const retry = { maxAttempts: 3, backoff: 'fixed', minSeconds: 0.001, maxSeconds: 0.001, jitter: 0 };
  const { name } = await createJobType(tenant, { target, retry, ...wish });
  return { jobType: name, route: path, calls: () => calls.get(path) ?? [] };
}

const newSecret = z.object({ id: z.uuid(), secret: z.string(), expiresAt: z.null() });
async function createSecret({ api, path }: TestTenant, verb = '', body: object = {}) {
  return newSecret.parse((await api.post(`${path}/webhook-secrets${verb}`).send(body).expect(201)).body);
}

describe('a call', () => {
  it('is signed as the standard wants it, with the same id on every retry', async () => {
    const tenant = await createTenant(server);
    const { secret } = await createSecret(tenant);
    const hook = await endpoint(tenant, answerWith(500));
    const run = await finish(tenant, { jobType: hook.jobType, payload: { invoice: 'R-1 – ä' } });
    expect(run).toMatchObject({ state: 'dead-lettered', attempt: 3 });
    expect(hook.calls()).toHaveLength(3);
    for (const { headers, body } of hook.calls()) {
      const webhook = new Webhook(secret).verify(body, headers as Record<string, string>);
      expect(webhook).toEqual({ invoice: 'R-1 – ä' });
      expect(headers['webhook-id']).toBe(run.id);
    }
    const traces = hook.calls().map(({ headers }) => String(headers['traceparent']));
    const form = new RegExp(`^00-${run.id.replaceAll('-', '')}-[0-9a-f]{16}-01$`);
    expect(traces.every((trace) => form.test(trace))).toBe(true);
    expect(new Set(traces).size).toBe(3);
  });

  it('is not signed as long as there is no secret', async () => {
    const tenant = await createTenant(server);
    const hook = await endpoint(tenant, answerWith(204));
    await finish(tenant, { jobType: hook.jobType });
    expect(hook.calls()[0]?.headers).toHaveProperty('webhook-timestamp');
    expect(hook.calls()[0]?.headers).not.toHaveProperty('webhook-signature');
  });

  it('is signed with both secrets while one replaces the other, and then with the new one alone', async () => {
    const tenant = await createTenant(server);
    const old = await createSecret(tenant);
    const next = await createSecret(tenant, ':rotate', { overlapSeconds: 3_600 });
    const hook = await endpoint(tenant, answerWith(204));
    await finish(tenant, { jobType: hook.jobType });
    const [call] = hook.calls();
    for (const { secret } of [old, next])
      expect(() =>
        new Webhook(secret).verify(call?.body ?? '', call?.headers as Record<string, string>),
      ).not.toThrow();
    const list = async () =>
      (await tenant.api.get(`${tenant.path}/webhook-secrets`).expect(200)).body as { items: object[] };
    expect((await list()).items).toMatchObject([
      { id: next.id, expiresAt: null },
      { id: old.id, expiresAt: expect.any(String) as string },
    ]);
    expect(JSON.stringify(await list())).not.toContain('whsec_');
    await tenant.api.delete(`${tenant.path}/webhook-secrets/${old.id}`).expect(204);
    expect((await list()).items).toHaveLength(1);
    expectProblem(await tenant.api.delete(`${tenant.path}/webhook-secrets/${old.id}`), 'not-found');
  });

  it('never has more than two secrets made for it one by one', async () => {
    const tenant = await createTenant(server);
    await createSecret(tenant);
    await createSecret(tenant);
    expectProblem(await tenant.api.post(`${tenant.path}/webhook-secrets`).send({}), 'invalid-state');
    const refused = await tenant.api
      .post(`${tenant.path}/webhook-secrets:rotate`)
      .send({ overlapSeconds: -1 });
    expect(expectFields(refused)).toEqual(['/overlapSeconds']);
  });
});

describe('an endpoint that answers 202', () => {
  it('goes on, beats, and completes the run with the URL that it was given and no key', async () => {
    const tenant = await createTenant(server);
    const hook = await endpoint(tenant, answerWith(202));
    const created = await createRun(tenant, { jobType: hook.jobType });
    const [call] = await until(
      'it was called and the run is outside',
      async () =>
        (await readRun(tenant, created.id)).replica === null && hook.calls().length > 0 && hook.calls(),
    );
    expect(await readRun(tenant, created.id)).toMatchObject({
      state: 'running',
      attempt: 1,
      runAt: created.runAt,
    });
    const url = String(call?.headers['x-callback-url']);
    expect(url).toContain(String(call?.headers['x-lease-token']));
    const post = (verb: string, body: object) =>
      fetch(`${url}:${verb}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await post('heartbeat', { progress: { fraction: 0.9 } })).status).toBe(200);
    expect((await post('complete', { output: 'done later' })).status).toBe(200);
    expect(await finishedRun(tenant, created)).toMatchObject({
      state: 'succeeded',
      output: 'done later',
      attempt: 1,
      progress: { fraction: 0.9, message: null, attempt: 1 },
    });
  });

  it('may be done before its answer has been read', async () => {
    const tenant = await createTenant(server);
    let completed: Promise<Response> | undefined;
    const hook = await endpoint(tenant, (request, response) => {
      completed = fetch(`${String(request.headers['x-callback-url'])}:complete`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"output":"quick"}',
      });
      response.writeHead(202).end();
    });
    const run = await finish(tenant, { jobType: hook.jobType });
    expect(run).toMatchObject({ state: 'succeeded', output: 'quick', attempt: 1 });
    expect((await completed)?.status).toBe(200);
  });

  it('and never comes back has failed its attempt when its time is up, and is called again', async () => {
    const tenant = await createTenant(server);
    const hook = await endpoint(tenant, answerWith(202), {
      timeoutSeconds: 0.5,
      retry: { maxAttempts: 2, backoff: 'fixed', minSeconds: 0.001, maxSeconds: 0.001, jitter: 0 },
    });
    const run = await finish(tenant, { jobType: hook.jobType });
    expect(run).toMatchObject({
      state: 'dead-lettered',
      attempt: 2,
      error: { message: expect.stringContaining('timeout') as string },
    });
    expect(hook.calls()).toHaveLength(2);
  });
});

describe('an endpoint that has had enough', () => {
  it('is called again after its Retry-After, and not before', async () => {
    const tenant = await createTenant(server);
    const hook = await endpoint(tenant, answerWith(429, { 'retry-after': '600' }));
    const created = await createRun(tenant, { jobType: hook.jobType });
    const run = await until('it is put off', async () => {
      const found = await readRun(tenant, created.id);
      return found.attempt === 2 && found;
    });
    expect(Date.parse(run.runAt) - Date.parse(run.createdAt)).toBeGreaterThan(595_000);
    expect(hook.calls()).toHaveLength(1);
  });

  it('and is gone is not called again: its job type is paused, says why, and can be resumed', async () => {
    const tenant = await createTenant(server);
    const hook = await endpoint(tenant, answerWith(410));
    const { jobType } = hook;
    const first = await finish(tenant, { jobType });
    expect(first).toMatchObject({ state: 'failed', attempt: 1 });
    const { api, path } = tenant;
    const { body } = await api.get(`${path}/job-types/${jobType}`).expect(200);
    expect(body).toMatchObject({
      pausedAt: expect.any(String) as string,
      pauseReason: expect.stringMatching(new RegExp(`410 Gone for run ${first.id}`)) as string,
    });
    const events = await server.admin.get('/api/v1/cluster/events').expect(200);
    expect(JSON.stringify(events.body)).toContain(`"jobType":"${jobType}"`);
    // What comes now waits.
    const waiting = await createRun(tenant, { jobType });
    const beside = await endpoint(tenant, answerWith(204));
    expect(await finish(tenant, { jobType: beside.jobType })).toMatchObject({ state: 'succeeded' });
    expect(await readRun(tenant, waiting.id)).toMatchObject({ state: 'queued' });
    answers.set(hook.route, answerWith(204));
    const resumed = await api.post(`${path}/job-types/${jobType}:resume`).expect(200);
    expect(resumed.body).toMatchObject({ pausedAt: null, pauseReason: null });
    expect(await finishedRun(tenant, waiting)).toMatchObject({ state: 'succeeded' });
    expect(hook.calls()).toHaveLength(2);
  });

  it('is not made while its job type is paused by hand', async () => {
    const tenant = await createTenant(server);
    const { jobType, calls: made } = await endpoint(tenant, answerWith(204));
    const { api, path } = tenant;
    await api.post(`${path}/job-types/${jobType}:pause`).send({ reason: 'moving house' }).expect(200);
    await api.post(`${path}/job-types/${jobType}:pause`).expect(200);
    const { body } = await api.get(`${path}/job-types/${jobType}`).expect(200);
    expect(body).toMatchObject({ pauseReason: 'moving house' });
    const waiting = await createRun(tenant, { jobType });
    expect(await finish(tenant, { jobType: 'noop' })).toMatchObject({ state: 'succeeded' });
    expect([made(), (await readRun(tenant, waiting.id)).state]).toEqual([[], 'queued']);
    expectProblem(await api.post(`${path}/job-types/noop:pause`), 'not-found');
    await api.post(`${path}/job-types/${jobType}:resume`).expect(200);
    expect(await finishedRun(tenant, waiting)).toMatchObject({ state: 'succeeded' });
  });

  it('is spared after many failures in a row, at no cost to the runs that wait', async () => {
    const tenant = await createTenant(server);
    const hook = await endpoint(tenant, answerWith(503), { retry: { maxAttempts: 1 } });
    for (let failures = 0; failures < 10; failures += 1) await finish(tenant, { jobType: hook.jobType });
    const created = await createRun(tenant, { jobType: hook.jobType });
    const spared = await until('it is put off', async () => {
      const run = await readRun(tenant, created.id);
      return run.state === 'scheduled' && run;
    });
    expect(spared).toMatchObject({ attempt: 1, pastAttempts: [] });
    expect(hook.calls()).toHaveLength(10);
    // Another tenant's calls to the same host are another matter.
    const other = await createTenant(server);
    const theirs = await endpoint(other, answerWith(204));
    expect(await finish(other, { jobType: theirs.jobType })).toMatchObject({ state: 'succeeded' });
  });
});
