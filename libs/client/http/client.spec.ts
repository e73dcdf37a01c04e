// Which calls are repeated, where, and with what? Against replicas that the test plays.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';
import { ApiProblem, NoAnswer } from './api-problem.js';
import type { CallOptions } from './call-options.js';
import { createClient } from './client.js';

interface Seen {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
}
/** Null breaks the connection after the request was read. */
type Answer = { status?: number; body?: object; headers?: Record<string, string> } | 'none' | null;

const CREATED: Answer = { status: 201, body: { id: 'r', deduplicated: false } };
const DOWN: Answer = { status: 503, body: { code: 'DATABASE_UNAVAILABLE', detail: 'it is down' } };
const job = defineJob({ name: 'greet', payload: z.string() });

/** Gives these answers, and the last one again and again. */
async function play(...answers: Answer[]) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    seen.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    const answer = answers[Math.min(seen.length, answers.length) - 1] ?? null;
    request.resume().on('end', () => {
      if (answer === 'none') return;
      if (answer === null) return void request.socket.destroy();
      const { status = 200, body, headers = {} } = answer;
      response.writeHead(status, headers).end(body === undefined ? 'hello' : JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** The port of a server that has ended. */
const NOWHERE = await nowhere();
async function nowhere(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return `http://127.0.0.1:${port}`;
}

const clientOf = (urls: string[], more: object = {}) =>
  createClient({ urls, tenant: 'acme', key: 'sk_acme', timeoutSeconds: 5, ...more });
const keysOf = ({ seen }: { seen: Seen[] }) => seen.map(({ headers }) => headers['idempotency-key']);

describe('a call is repeated', () => {
  it('at the next replica, with the same key, when its answer is lost', async () => {
    const [lossy, sound] = [await play(null), await play(CREATED)];
    const client = clientOf([lossy.url, sound.url]);
    expect(await client.enqueue(job, 'you')).toEqual({ id: 'r', created: true });
    expect(keysOf(lossy)).toEqual(keysOf(sound));
    expect(keysOf(sound)[0]).toMatch(/^[\da-f-]{36}$/);
    // It keeps to the one that has answered, with another key.
    await client.enqueue(job, 'you');
    expect([lossy.seen.length, sound.seen.length]).toEqual([1, 2]);
    expect(new Set(keysOf(sound)).size).toBe(2);
  });

  it('at the same one, after a pause, until it can answer', async () => {
    const replica = await play(DOWN, { status: 502 }, CREATED);
    await clientOf([replica.url]).enqueue(job, 'you', { idempotencyKey: 'mine' });
    expect(keysOf(replica)).toEqual(['mine', 'mine', 'mine']);
  });

  it('until its time is over, and rejects with what it got last', async () => {
    const replica = await play(DOWN);
    const failed = clientOf([replica.url], { timeoutSeconds: 0.5 }).enqueue(job, 'you');
    await expect(failed).rejects.toMatchObject({ name: 'ApiProblem', code: 'DATABASE_UNAVAILABLE' });
    expect(replica.seen.length).toBeGreaterThan(1);
  });

  it('without a key only where nothing can have happened', async () => {
    const [lossy, sound] = [await play(null), await play(CREATED)];
    const unkeyed = { idempotencyKey: null };
    expect(await clientOf([NOWHERE, sound.url]).enqueue(job, 'you', unkeyed)).toMatchObject({ id: 'r' });
    expect(keysOf(sound)).toEqual([undefined]);
    const lost = clientOf([lossy.url, sound.url]).enqueue(job, 'you', unkeyed);
    await expect(lost).rejects.toThrow(NoAnswer);
    await expect(lost).rejects.toMatchObject({ mayHaveHappened: true });
    expect(sound.seen).toHaveLength(1);
  });

  it('if it cancels, and not if it retries', async () => {
    const [lossy, sound] = [await play(null), await play({ body: { id: 'r', state: 'queued' } })];
    await clientOf([lossy.url, sound.url]).cancel('r');
    expect(sound.seen.map(({ path }) => path)).toEqual(['/api/v1/tenants/acme/runs/r:cancel']);
    await expect(clientOf([lossy.url, sound.url]).retry('r')).rejects.toThrow(NoAnswer);
    expect(sound.seen).toHaveLength(1);
  });
});

describe('a call ends', () => {
  it('with the reason of its signal', async () => {
    const replica = await play('none');
    const reason = new Error('enough');
    const ended = clientOf([replica.url]).enqueue(job, 'you', { signal: AbortSignal.timeout(50) });
    await expect(ended).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(
      clientOf([replica.url]).enqueue(job, 'you', { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });

  it('at once with a problem that stays, and says what to do', async () => {
    const errors = [{ pointer: '/payload/to', detail: 'expected string, got number' }];
    const body = { code: 'VALIDATION_FAILED', detail: 'to is wrong', requestId: 'q', errors };
    const [replica, other] = [await play({ status: 422, body }), await play(CREATED)];
    const refused = clientOf([replica.url, other.url]).enqueue(job, 'you');
    await expect(refused).rejects.toThrow(ApiProblem);
    await expect(refused).rejects.toMatchObject({
      message: 'to is wrong (422 VALIDATION_FAILED); mend what `errors` names',
      status: 422,
      code: 'VALIDATION_FAILED',
      requestId: 'q',
      errors,
    });
    expect(other.seen).toEqual([]);
  });

  it('at a redirection, which would lead the payload elsewhere', async () => {
    const elsewhere = await play(CREATED);
    const replica = await play({ status: 307, headers: { location: elsewhere.url } });
    const refused = clientOf([replica.url]).enqueue(job, 'you');
    await expect(refused).rejects.toMatchObject({ status: 307, code: '' });
    await expect(refused).rejects.toThrow('check `url`');
    expect(elsewhere.seen).toEqual([]);
  });

  it('with NoAnswer when no replica is there', async () => {
    const failed = clientOf([NOWHERE], { timeoutSeconds: 0.3 }).result('r');
    await expect(failed).rejects.toMatchObject({ name: 'NoAnswer', mayHaveHappened: false });
  });
});

describe('the owner that an answer names', () => {
  const naming = (url: string): Answer => ({ ...(CREATED as object), headers: { 'carillon-owner': url } });

  it('gets the next calls, and after its end the others do', async () => {
    const owner = await play(CREATED, { body: { id: 'r', state: 'succeeded', finishedAt: 'then' } }, null);
    const replica = await play(naming(owner.url));
    const client = clientOf([replica.url, owner.url]);
    await client.enqueue(job, 'you');
    await client.enqueue(job, 'you');
    await client.result('r');
    expect([replica.seen.length, owner.seen.length]).toEqual([1, 2]);
    await client.enqueue(job, 'you');
    expect([replica.seen.length, owner.seen.length]).toEqual([2, 3]);
  });

  it('gets them at an origin that is trusted, and at no other, where the key would go along', async () => {
    const owner = await play(CREATED);
    const replica = await play(naming(owner.url));
    const wary = clientOf([replica.url]);
    for (let calls = 0; calls < 3; calls += 1) await wary.enqueue(job, 'you');
    expect(owner.seen).toEqual([]);
    const trusting = clientOf([replica.url], { trustedOrigins: [owner.url] });
    for (let calls = 0; calls < 3; calls += 1) await trusting.enqueue(job, 'you');
    expect(owner.seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer sk_acme',
      'Bearer sk_acme',
    ]);
  });
});

it('the headers of a trace are passed on, and a signal is heeded, by each call', async () => {
  const ended = { id: 'r', finishedAt: 'now', endedAt: 'now', ended: [], results: [], deduplicated: false };
  const replica = await play({ body: { ...ended, items: [], nextPageToken: null } });
  const client = clientOf([replica.url]);
  const { schedules, operations, locks } = client;
  const asked: ((given: CallOptions) => Promise<unknown>)[] = [
    (given) => client.enqueue(job, 'you', given),
    (given) => client.enqueueAll(job, [{ payload: 'you' }], given),
    (given) => client.result('r', given),
    (given) => client.cancel('r', given),
    (given) => client.retry('r', given),
    (given) => client.logs('r', given).next(),
    (given) => schedules.get('s', given),
    (given) => schedules.list(given).next(),
    (given) => schedules.update('s', () => ({ priority: 1 }), given),
    (given) => schedules.delete('s', given),
    (given) => schedules.pause('s', given),
    (given) => schedules.resume('s', given),
    (given) => schedules.preview('s', given),
    (given) => schedules.run('s', given),
    (given) => schedules.explain('s', '2031-01-01T00:00:00Z', given),
    (given) => schedules.pauseAll({}, { ...given, dryRun: true }),
    (given) => operations.wait('o', given),
    (given) => operations.list(given).next(),
    (given) => operations.cancel('o', given),
    (given) => locks.get('l', given),
    (given) => locks.list(given).next(),
    (given) => locks.setPermits('l', 3, given),
    (given) => locks.forceRelease('l', given),
  ];
  const trace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=1' };
  const signal = AbortSignal.abort(new Error('enough'));
  for (const ask of asked) {
    await ask(trace).catch(() => undefined); // the log is no stream, and the schedule has no revision
    expect(replica.seen.splice(0).at(-1)?.headers).toMatchObject(trace);
    await expect(ask({ signal })).rejects.toThrow('enough');
    expect(replica.seen).toEqual([]);
  }
});

it('a result is waited for also where a replica that leaves answers at once', async () => {
  const going: Answer = { body: { id: 'r', state: 'running', finishedAt: null } };
  const replica = await play(going, going, { body: { id: 'r', state: 'succeeded', finishedAt: 'now' } });
  expect(await clientOf([replica.url]).result('r', { wait: 60 })).toMatchObject({ state: 'succeeded' });
  expect(replica.seen).toHaveLength(3);
});

it('a result is what it is when the wait is over', async () => {
  const replica = await play({ body: { id: 'r', state: 'running', finishedAt: null } });
  const run = await clientOf([replica.url]).result('r', { wait: 0.2 });
  expect(run).toMatchObject({ state: 'running' });
  expect(replica.seen.length).toBeLessThan(6);
});

it.each(['', '.', '..', undefined])('%j is not the id of a run', async (id) => {
  const replica = await play(CREATED);
  await expect(clientOf([replica.url]).result(id as string)).rejects.toThrow('expected the id of a run, got');
  expect(replica.seen).toEqual([]);
});

it('a wish to be asked in a month does not have it asked at once', async () => {
  const headers = { 'retry-after': '2600000' };
  const replica = await play({ status: 503, headers, body: { code: 'DATABASE_UNAVAILABLE', detail: '' } });
  await expect(clientOf([replica.url], { timeoutSeconds: 1 }).result('r')).rejects.toThrow(ApiProblem);
  expect(replica.seen).toHaveLength(1);
});

it('a result is asked for again while as many requests wait as the tenant may have', async () => {
  const crowded: Answer = {
    status: 429,
    body: { code: 'QUOTA_EXCEEDED', detail: '' },
    headers: { 'retry-after': '1' },
  };
  const ended: Answer = { body: { id: 'r', state: 'succeeded', finishedAt: 'now' } };
  const replica = await play(crowded, crowded, ended);
  const { url } = replica;
  expect(await clientOf([url]).result('r', { wait: 60 })).toMatchObject({ state: 'succeeded' });
  await expect(clientOf([(await play(crowded)).url]).result('r')).rejects.toMatchObject({ status: 429 });
  await expect(clientOf([(await play(crowded)).url]).result('r', { wait: 0.1 })).rejects.toThrow(ApiProblem);
});
