// Does an application get each line of a run's log once, in order and to its end, whichever replica or connection it
// loses meanwhile? Against real replicas, behind a proxy of the test's that can cut the connections to one.
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Injectable } from '@nestjs/common';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createClient } from '#client/http/client.js';
import { defineJob, type JobContext, type JobOf } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { startTestServer, useTestServer } from '../../support/test-server.js';
import { useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const slow = defineJob({ name: 'slow', payload: z.object({ lines: z.int() }) });

/** Lets the run that waits go on to its next line. */
const go = { on: (): void => undefined };

@Injectable()
class TalkingJob {
  @JobHandler(slow)
  async slow({ payload }: JobOf<typeof slow>, { log, signal }: JobContext): Promise<void> {
    for (let line = 1; line <= payload.lines; line += 1) {
      log.info({ line }, `line ${line}`);
      await new Promise<void>((resolve) => {
        go.on = resolve;
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve());
      });
    }
  }
}

const server = useTestServer({ handlers: [TalkingJob] });
const API_ONLY = { CARILLON_ROLES: 'api' };
const crowded = useTestServer({ beside: server, env: { ...API_ONLY, CARILLON_LOG_FOLLOWERS: '1' } });
const tenant = useTenant(server);
const connect = (...urls: string[]) => createClient({ urls, tenant: tenant.name, key: tenant.key });

const start = async (lines: number) => (await connect(server.url).enqueue(slow, { lines })).id;

it('gives the lines as they come, and ends when the run has ended', async () => {
  const seen: unknown[] = [];
  for await (const { message, level, fields } of connect(server.url).logs(await start(3))) {
    seen.push([level, message, fields?.['line']]);
    go.on();
  }
  expect(seen).toEqual([1, 2, 3].map((line) => ['info', `line ${line}`, line]));
});

it('gives each line once where connections break, at this replica and at the next', async () => {
  const id = await start(6);
  const [one, two] = [await startHttpProxy(server), await startHttpProxy(crowded)];
  const seen: string[] = [];
  for await (const { message } of connect(one.url, two.url).logs(id)) {
    seen.push(message);
    one.cut();
    two.cut();
    // Each is gone for good, once.
    if (seen.length === 2) one.way = () => 'shut';
    if (seen.length === 4) [one.way, two.way] = [() => 'open', () => 'shut'];
    go.on();
  }
  expect(seen).toEqual([1, 2, 3, 4, 5, 6].map((line) => `line ${line}`));
  expect(Math.min(one.asked, two.asked)).toBeGreaterThan(1);
});

it('goes on at another replica when the one that it follows leaves', async () => {
  const leaving = await startTestServer({ databaseUrl: server.databaseUrl, env: API_ONLY });
  const lines = connect(leaving.url, server.url).logs(await start(2));
  expect((await lines.next()).value).toMatchObject({ message: 'line 1' });
  const next = lines.next();
  await leaving.stop();
  go.on();
  expect((await next).value).toMatchObject({ message: 'line 2' });
  go.on();
  expect(await lines.next()).toEqual({ done: true, value: undefined });
});

it('reads on behind a line that is known', async () => {
  const id = await start(2);
  const lines = connect(server.url).logs(id);
  const first = (await lines.next()).value;
  go.on();
  await until('the second line is there', async () => (await lines.next()).value.message === 'line 2');
  go.on();
  const rest = [];
  for await (const { message } of connect(server.url).logs(id, { after: first?.seq })) rest.push(message);
  expect(rest).toEqual(['line 2']);
});

it('reads pages where a replica takes no more followers', async () => {
  const { url } = await startHttpProxy(crowded);
  const followed = connect(url).logs(await start(2));
  expect((await followed.next()).value).toMatchObject({ message: 'line 1' });
  const client = connect(url);
  const { id } = await client.enqueue(defineJob({ name: 'noop', payload: z.object({}) }), {});
  await client.result(id, { wait: 10 });
  await until('no more lines are expected', async () => {
    const { body } = await tenant.api.get(`${tenant.path}/runs/${id}/logs`);
    return z.object({ ended: z.boolean() }).parse(body).ended;
  });
  expect(await client.logs(id).next()).toEqual({ done: true, value: undefined });
  await followed.return?.();
  go.on();
});

it('hangs up when its reader has seen enough, or the signal is aborted', async () => {
  const proxy = await startHttpProxy(crowded);
  const id = await start(2);
  for await (const { message } of connect(proxy.url).logs(id)) {
    expect(message).toBe('line 1');
    break;
  }
  // It was the only place.
  const abort = new AbortController();
  const lines = connect(proxy.url).logs(id, { signal: abort.signal });
  expect((await lines.next()).value).toMatchObject({ message: 'line 1' });
  const next = lines.next();
  const reason = new Error('enough');
  abort.abort(reason);
  await expect(next).rejects.toBe(reason);
  go.on();
});

it('refuses what can not be right at once, and what is not there when it is read', async () => {
  const client = connect(server.url);
  expect(() => client.logs('')).toThrow('expected the id of a run');
  expect(() => client.logs('r', { after: -1 })).toThrow('expected after to be the seq of a line');
  expect(() => client.logs('r', { follow: true } as object)).toThrow('expected no option follow');
  await expect(client.logs(crypto.randomUUID()).next()).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

it('is not deceived by an answer that is no stream', async () => {
  const liar = createServer((_, response) => response.end('<html>'));
  liar.listen(0, '127.0.0.1');
  await once(liar, 'listening');
  onTestFinished(() => void liar.close());
  const { port } = liar.address() as AddressInfo;
  const lines = connect(`http://127.0.0.1:${port}`).logs('r');
  await expect(lines.next()).rejects.toMatchObject({ name: 'ApiProblem', code: '' });
});
