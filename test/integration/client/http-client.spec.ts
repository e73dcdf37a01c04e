// Do applications get their runs done by the client of the REST API, whichever replica lives and whichever they ask first?
// With real replicas as processes, one of which is killed, and with the program of docs/CLIENT.md as it stands there.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Injectable } from '@nestjs/common';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createClient } from '#client/http/client.js';
import { defineJob, type JobContext, type JobOf } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { installClient } from '../../support/installed-client.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startTestReplica, type TestReplica } from '../../support/test-replica.js';
import { useTestServer } from '../../support/test-server.js';
import { useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const PAGE = join(ROOT, 'docs/CLIENT.md');
const echo = defineJob({ name: 'echo', payload: z.object({ order: z.int() }) });
const sleep = defineJob({ name: 'sleep', payload: z.object({ ms: z.int() }) });

const resize = defineJob({ name: 'resize', payload: z.object({ path: z.string() }) });

@Injectable()
class TalkingJob {
  @JobHandler(resize)
  resize({ payload: { path } }: JobOf<typeof resize>, { log }: JobContext): void {
    log.info({ path }, 'resizing');
  }
}

describe('with one replica', () => {
  const server = useTestServer({ handlers: [TalkingJob] });
  const tenant = useTenant(server);
  const connect = () => createClient({ url: server.url, tenant: tenant.name, key: tenant.key });

  it('runs are created once for a key, and their results are waited for', async () => {
    const client = connect();
    const options = { unique: { key: 'one', windowSeconds: 60 }, tags: ['nightly'] };
    const first = await client.enqueue(echo, { order: 1 }, options);
    expect(first.created).toBe(true);
    expect(await client.enqueue(echo, { order: 2 }, options)).toEqual({ id: first.id, created: false });
    const ended = await client.result(first.id, { wait: 10 });
    expect(ended).toMatchObject({ state: 'succeeded', output: { order: 1 }, tags: ['nightly'] });
    const again = { idempotencyKey: 'mine' };
    const [one, two] = [
      await client.enqueue(echo, { order: 3 }, again),
      await client.enqueue(echo, { order: 3 }, again),
    ];
    expect(two).toEqual(one);
  });

  it('runs are cancelled and retried', async () => {
    const client = connect();
    const { id } = await client.enqueue(echo, { order: 1 }, { delaySeconds: 600 });
    expect(await client.result(id)).toMatchObject({ state: 'scheduled', finishedAt: null });
    expect(await client.cancel(id)).toMatchObject({ state: 'cancelled' });
    expect(await client.cancel(id)).toMatchObject({ state: 'cancelled' });
    await client.retry(id);
    expect(await client.result(id, { wait: 10 })).toMatchObject({ state: 'succeeded' });
    await expect(client.cancel(id)).rejects.toMatchObject({ code: 'INVALID_STATE', status: 409 });
  });

  it('a refusal names the field, and what to do', async () => {
    const wrong = connect().enqueue(echo, { order: 1 }, { tags: [''] });
    await expect(wrong).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/tags/0' }],
    });
    const stranger = createClient({ url: server.url, tenant: tenant.name, key: 'sk_unknown' });
    await expect(stranger.result(crypto.randomUUID())).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(connect().result(crypto.randomUUID())).rejects.toThrow('check the name or id');
  });

  it.each<[string, string[][]]>([
    [
      'producer.mjs',
      [
        ['it is new', 'it was there'],
        ['succeeded { order: 17 }'],
        ['INVALID_STATE - read what it is about, and act by its state'],
      ],
    ],
    ['import.mjs', [['3 are new', '0 are new'], ['orders 18, 19, 20']]],
    [
      'nightly.mjs',
      [
        ['it is due at 2031-01-01T02:30:00.000+01:00'],
        ['its tags are mine'],
        ['its run has succeeded'],
        ['the backfill has succeeded - runs made: 3'],
        ['nightly-echo - At 02:30, Europe/Berlin'],
      ],
    ],
    ['follow.mjs', [["info resizing { path: 'a.png' }"], ['it has ended']]],
    ['publish.mjs', [['exclusive by this process: true'], ['held: false']]],
  ])('the program %s of docs/CLIENT.md says what the page says', async (name, lines) => {
    const { page, run } = await programOf(name);
    for (const said of lines.flat()) expect(page.replaceAll('\n', ' ')).toContain(said);
    expect(await run()).toEqual(lines.map(([first]) => first));
    expect(await run()).toEqual(lines.map((said) => said.at(-1)));
  });

  it('has a test for each program of docs/CLIENT.md', async () => {
    expect(programsOf(await readFile(PAGE, 'utf8')).map(nameOf)).toEqual([
      'producer.mjs',
      'import.mjs',
      'follow.mjs',
      'nightly.mjs',
      'publish.mjs',
    ]);
  });

  /** Run for the tenant, where the package is installed. */
  async function programOf(name: string) {
    const folder = await mkdtemp(join(tmpdir(), 'carillon-client-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await installClient(folder, 'zod');
    const page = await readFile(PAGE, 'utf8');
    const program = join(folder, name);
    await writeFile(program, programsOf(page).find((text) => nameOf(text) === name) ?? '');
    const env = { CARILLON_URL: server.url, CARILLON_TENANT: tenant.name, CARILLON_KEY: tenant.key };
    const { id } = await connect().enqueue(resize, { path: 'a.png' });
    const run = async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [program, id], {
        env: { ...process.env, ...env },
      });
      return stdout.trim().split('\n');
    };
    return { page, run };
  }
});

const programsOf = (page: string) => [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, text = '']) => text);
const nameOf = (program: string) => /^\/\/ (\S+)/.exec(program)?.[1];

describe('with two replicas', () => {
  const database = useTestDatabase();

  const start = async (name: string): Promise<TestReplica> => {
    const port = await freePort();
    return startTestReplica({
      databaseUrl: database.url,
      name,
      sideLog: join(tmpdir(), 'carillon-client-side.log'),
      env: { CARILLON_PORT: String(port), CARILLON_PUBLIC_URL: `http://127.0.0.1:${port}` },
    });
  };

  it('the client goes to the owner, and to the other one when the owner is killed', async () => {
    const replicas = [await start('one'), await start('two')] as const;
    const [one, two] = replicas;
    const serving = z.object({ members: z.array(z.object({ slots: z.int() })), handingOver: z.int() });
    await until('both serve slots', async () => {
      const { members, handingOver } = serving.parse(await one.api('/api/v1/cluster/ring'));
      return handingOver === 0 && members.filter(({ slots }) => slots > 0).length === 2;
    });
    await one.api('/api/v1/tenants', { name: 'acme', allowedHandlers: ['*'] });
    const { key } = await one.api<{ key: string }>('/api/v1/tenants/acme/api-keys', { name: 'test' });
    const { ownerName } = await one.api<{ ownerName: string }>('/api/v1/cluster/ring:lookup?tenant=acme');
    const [owner, other] = ownerName === 'one' ? [one, two] : [two, one];

    const asked = countRequests();
    const client = createClient({ urls: [other.url, owner.url], tenant: 'acme', key });
    await until('the owner is asked', async () => {
      await client.enqueue(echo, { order: 1 });
      return asked.of(owner.url) > 0;
    });
    const before = asked.of(other.url);
    for (let order = 2; order < 12; order += 1) await client.enqueue(echo, { order });
    expect(asked.of(other.url)).toBe(before);

    const { id: lost } = await client.enqueue(sleep, { ms: 700 });
    const waiting = client.result(lost, { wait: 30 });
    owner.signal('SIGKILL');
    await owner.exited;
    const { id, created } = await client.enqueue(echo, { order: 12 });
    expect(created).toBe(true);
    expect(await client.result(id, { wait: 30 })).toMatchObject({
      state: 'succeeded',
      output: { order: 12 },
    });
    // Acknowledged by the dead replica, so it is never lost.
    expect(await waiting).toMatchObject({ state: 'succeeded' });
    expect(asked.of(other.url)).toBeGreaterThan(before);
  }, 60_000);
});

/** Which replicas this process asks. */
function countRequests() {
  const urls: string[] = [];
  const original = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    urls.push(input instanceof Request ? input.url : input.toString());
    return original(input, init);
  };
  onTestFinished(() => void (globalThis.fetch = original));
  return { of: (base: string) => urls.filter((url) => url.startsWith(`${base}/`)).length };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
