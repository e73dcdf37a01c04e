// Do a worker and a client run on the oldest Node that they are promised for, and what does a worker say when it can't
// begin? The client is the one that was built.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { oldestNode } from '../../support/oldest-node.js';
import { useTestServer } from '../../support/test-server.js';
import { useTenant } from '../../support/test-tenant.js';

const CLIENT = pathToFileURL(join(import.meta.dirname, '../../../dist/libs/client/index.js')).href;
const NODE = oldestNode();

/** A worker as a person writes it first: without a listener for anything. */
const worker = (url: string): string => `
  import { defineJob, remoteHandler, runWorker } from ${JSON.stringify(CLIENT)};
  const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
  const greet = remoteHandler(defineJob({ name: 'greet', payload: any }), () => 'hello');
  const started = runWorker({ url: ${JSON.stringify(url)}, tenant: 'acme', key: 'k', handlers: [greet] });
  process.once('SIGTERM', () => void started.stop());
`;

const run = (url: string) => runProgram(worker(url));

function runProgram(program: string) {
  const child = spawn(NODE, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text += part));
  return { child, text: () => text, ended: once(child, 'close') as Promise<[number | null]> };
}

type Answer = [status: number, body: object] | null;

async function play(answer: (path: string) => Answer): Promise<string> {
  const server = createServer((request, response) => {
    const found = answer(request.url ?? '');
    if (found === null) return; // it waits
    request.resume();
    response.writeHead(found[0]).end(JSON.stringify(found[1]));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Each kind of call, and of what they resolve with. */
const caller = (url: string, { name, key }: { name: string; key: string }): string => `
  import { createClient, defineJob } from ${JSON.stringify(CLIENT)};
  const client = createClient(${JSON.stringify({ url, tenant: name, key })});
  const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
  const noop = defineJob({ name: 'noop', payload: any });
  const all = async (items) => { let count = 0; for await (const item of items) count += 1; return count; };
  const runs = await client.enqueueAll(noop, [{ payload: {} }, { payload: {} }]);
  const { state } = await client.result(runs[1].id, { wait: 20 });
  const lines = await all(client.logs(runs[1].id));
  await client.schedules.apply(noop, { name: 's', everySeconds: 3600 });
  const { revision } = await client.schedules.update('s', () => ({ priority: 1 }));
  const [from, to] = [7_200_000, 60_000].map((ms) => new Date(Date.now() - ms));
  const { id } = await client.schedules.backfill('s', { from, to });
  const operation = await client.operations.wait(id);
  const listed = await all(client.schedules.list());
  await client.schedules.delete('s');
  const held = await client.locks.withLock('l', ({ isHeld }) => isHeld());
  console.error(JSON.stringify([state, lines, revision, operation.state, listed, held]));
`;

describe(`a client of the REST API on ${NODE}`, () => {
  const server = useTestServer();
  const tenant = useTenant(server);

  it('calls, iterates and waits', async () => {
    const { text, ended } = runProgram(caller(server.url, tenant));
    expect(await ended).toEqual([0, null]);
    expect(JSON.parse(text())).toEqual(['succeeded', 0, 2, 'succeeded', 1, true]);
  });
});

describe(`a worker on ${NODE}`, () => {
  it('takes a run, ends it, and stops when it is told to', async () => {
    const completed = Promise.withResolvers<void>();
    const run1 = { id: 'r', jobType: 'greet', payload: {}, attempt: 1, dueAt: null, details: null };
    const lease = { token: 't', fencingToken: 1, leaseSeconds: 30, timeoutSeconds: 60, run: run1 };
    const offered = [lease];
    const url = await play((path) => {
      if (path.endsWith('workers:register')) return [200, { workerId: 'w', heartbeatSeconds: 10 }];
      if (path.endsWith('leases:acquire')) {
        const leases = offered.splice(0);
        return leases.length === 0 ? null : [200, { leases }];
      }
      if (path.endsWith(':complete')) completed.resolve();
      return [200, {}];
    });
    const { child, ended } = run(url);
    await completed.promise;
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('ends with 1 and says why when its key is refused', async () => {
    const { text, ended } = run(await play(() => [401, { detail: 'expected a key that is known' }]));
    expect(await ended).toEqual([1, null]);
    expect(text()).toMatch(/worker of tenant acme cannot register at .*: its key is not valid; check `key`/);
    expect(text()).toContain('expected a key that is known');
  });

  it('says at once that there is no answer where it asks, and goes on', async () => {
    const { child, text } = run('http://127.0.0.1:1');
    await once(child.stderr, 'data');
    expect(text()).toMatch(/^carillon worker: expected an answer from http:\/\/127\.0\.0\.1:1\/.*it goes on/);
    expect(child.exitCode).toBeNull();
  });
});
