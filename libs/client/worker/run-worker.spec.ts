// What does a worker do when replicas go away, hang, or answer late? The replicas here are played by small HTTP servers
// whose answers the test holds in its hand.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as rest } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { handler } from '#client/jobs/handler.js';
import { defineJob } from '#client/jobs/job-definition.js';
import { Stopped } from './handled.js';
import { remoteHandler, runWorker, type NamedHandler, type RunningWorker } from './run-worker.js';

/** Not to be divided by three. */
const LEASE_SECONDS = 2;
const LEASE_MS = LEASE_SECONDS * 1_000;
const greet = defineJob({ name: 'greet', payload: z.unknown() });

type Answer = (response: ServerResponse, path: string, body?: unknown) => void | Promise<void>;

/** What a replica answers when nothing is wrong: one run, and then no more. */
function sound(leaseSeconds = LEASE_SECONDS): Answer {
  let offered = 1;
  return (response, path) => {
    if (path.endsWith('workers:register')) return say(response, { workerId: 'w', heartbeatSeconds: 10 });
    if (path.endsWith(':heartbeat')) return say(response, { cancelRequested: false, leaseExpiresAt: '' });
    if (!path.endsWith('leases:acquire')) return say(response, {});
    const run = { id: 'r', jobType: greet.name, payload: {}, attempt: 1, dueAt: null, details: null };
    const lease = { token: 't', fencingToken: 1, leaseSeconds, timeoutSeconds: 60, run };
    if ((offered -= 1) === 0) return say(response, { leases: [lease] });
    response.once('close', () => undefined); // the worker waits
  };
}

function say(response: ServerResponse, body: object): void {
  response.end(JSON.stringify(body));
}

interface Replica {
  readonly url: string;
  /** The last words of the paths that were called, in order. */
  readonly calls: string[];
  close(): void;
}

async function play(answer: Answer): Promise<Replica> {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    calls.push(path.split(/[/:]/).at(-1) ?? '');
    void json(request).then((body) => answer(response, path, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  onTestFinished(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls, close };
}

function start(url: string | string[], handler: NamedHandler): RunningWorker {
  const worker = runWorker({ url, key: 'k', tenant: 'acme', handlers: [handler], graceSeconds: 0 });
  worker.ended.catch(() => undefined);
  onTestFinished(() => worker.stop().catch(() => undefined));
  return worker;
}

it('goes on with the next replica where one is gone, breaks off, or is draining', async () => {
  const gone = await play(() => undefined);
  gone.close();
  const breaking = await play((response) => {
    response.writeHead(200, { 'content-length': 100 }).write('{');
    response.destroy();
  });
  const draining = await play((response) => void response.writeHead(503).end('{}'));
  const replica = await play(sound());
  const handled = Promise.withResolvers<void>();
  start(
    [gone.url, breaking.url, draining.url, replica.url],
    remoteHandler(greet, () => handled.resolve()),
  );
  await handled.promise;
  expect([breaking.calls, draining.calls]).toEqual([['register'], ['register']]);
});

it('keeps its lease when the replica that it beats at hangs', async () => {
  const answer = sound();
  const hanging = await play((response, path) =>
    path.endsWith(':heartbeat') ? undefined : answer(response, path),
  );
  const other = await play(answer);
  const done = Promise.withResolvers<unknown>();
  start(
    [hanging.url, other.url],
    remoteHandler(greet, async (_job, { signal }) => {
      await rest(1.5 * LEASE_MS, undefined, { signal }).catch(() => undefined);
      done.resolve(signal.reason);
    }),
  );
  expect(await done.promise).toBeUndefined();
  expect(other.calls.filter((call) => call === 'heartbeat').length).toBeGreaterThan(2);
});

it('trusts its lease from when it asked, however late the answer comes', async () => {
  const answer = sound();
  const late = 0.3 * LEASE_MS;
  let beats = 0;
  let answeredAtMs = Number.NaN;
  const replica = await play(async (response, path) => {
    if (!path.endsWith(':heartbeat')) return answer(response, path);
    if ((beats += 1) > 1) return; // only the first is heard, and late
    await rest(late);
    answeredAtMs = performance.now();
    return answer(response, path);
  });
  const stopped = Promise.withResolvers<{ reason: unknown; atMs: number }>();
  start(
    replica.url,
    remoteHandler(greet, async (_job, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      stopped.resolve({ reason: signal.reason, atMs: performance.now() });
    }),
  );
  const { reason, atMs } = await stopped.promise;
  expect(reason).toBeInstanceOf(Stopped);
  expect(reason).toMatchObject({ why: 'lease-lost' });
  // Counted from the answer, it would be a whole lease.
  expect(atMs - answeredAtMs).toBeLessThan(LEASE_MS - late / 2);
});

it('tells of progress long before the next beat is due, and of the last one before it ends the lease', async () => {
  const answer = sound(60); // a beat is due every 20 seconds
  const told: unknown[] = [];
  const shown = Promise.withResolvers<void>();
  const completed = Promise.withResolvers<void>();
  const replica = await play((response, path, body) => {
    const { progress } = body as { progress?: { fraction: number } };
    if (progress !== undefined) told.push(progress.fraction);
    if (progress !== undefined) shown.resolve();
    if (path.endsWith(':complete')) told.push('complete');
    if (path.endsWith(':complete')) completed.resolve();
    return answer(response, path, body);
  });
  start(
    replica.url,
    remoteHandler(greet, async (_job, { progress }) => {
      progress(0.1);
      progress(0.5);
      await shown.promise;
      progress(1);
    }),
  );
  await completed.promise;
  expect(told).toEqual([0.5, 1, 'complete']);
});

it('takes its name off the list of workers when it stops, after its last run', async () => {
  const replica = await play(sound());
  const begun = Promise.withResolvers<void>();
  const worker = start(
    replica.url,
    remoteHandler(greet, () => begun.resolve()),
  );
  await begun.promise;
  await worker.stop();
  expect(replica.calls.at(-1)).toBe('deregister');
  expect(replica.calls).toContain('complete');
});

it('refuses the option slots, which is called concurrency', () => {
  const options = { url: 'http://localhost:1', tenant: 'acme', key: 'k', handlers: [], slots: 3 };
  expect(() => runWorker(options)).toThrow(
    'expected no option slots; it is called concurrency; there are url, key, tenant, handlers',
  );
});

it('refuses to start without a key, and says which option is missing', () => {
  const handlers = [remoteHandler(greet, () => null)];
  const without = (wrong: object) => () =>
    runWorker({ url: 'http://127.0.0.1:1', key: 'k', tenant: 'acme', handlers, ...wrong });
  expect(without({ key: undefined })).toThrow('expected key to be an API key of the tenant, got nothing');
  expect(without({ key: '' })).toThrow('expected key to be an API key of the tenant, got ""');
  expect(without({ tenant: undefined })).toThrow('expected tenant to be the name of a tenant, got nothing');
  expect(without({ url: undefined })).toThrow('expected url to be the URL of a replica, got nothing');
  for (const url of ['localhost:8080', '127.0.0.1:8080', 'ftp://localhost', 'http://', ['http://a', 'b:1']])
    expect(without({ url })).toThrow(
      'expected url to be that of a replica, such as http://localhost:8080, got "',
    );
  expect(without({ graceMs: 5 })).toThrow('expected no option graceMs; it is called graceSeconds');
  expect(without({ baseUrl: 'http://a' })).toThrow('expected no option baseUrl; it is called url');
});

it('takes no handler that is none', () => {
  const greeting = remoteHandler as (definition: unknown, handle: unknown) => unknown;
  expect(() => greeting(greet, undefined)).toThrow(
    'expected the handler of greet to be a function, got undefined',
  );
  expect(() => greeting({ name: 'greet' }, () => null)).toThrow('expected a definition made by defineJob(…)');
  const local = handler as (definition: unknown, handle: unknown, options?: unknown) => unknown;
  expect(() => local(greet, {})).toThrow('expected the handler of greet to be a function, got object');
  expect(() => local(greet, () => null, { threads: true })).toThrow(
    'expected no option threads; it is called thread',
  );
});

it('is ready once it has registered, and never where it ends before', async () => {
  const registering = Promise.withResolvers<void>();
  const answer = sound();
  const replica = await play(async (response, path, body) => {
    if (path.endsWith('workers:register')) await registering.promise;
    await answer(response, path, body);
  });
  const worker = start(
    replica.url,
    remoteHandler(greet, () => undefined),
  );
  const early = await Promise.race([worker.ready.then(() => 'ready'), rest(50).then(() => 'not yet')]);
  registering.resolve();
  await worker.ready;
  expect([early, replica.calls[0]]).toEqual(['not yet', 'register']);
  const refusing = await play((response) => void response.writeHead(401).end('{}'));
  await expect(
    start(
      refusing.url,
      remoteHandler(greet, () => undefined),
    ).ready,
  ).rejects.toThrow('401');
});

it.each<[string, unknown, string]>([
  ['none', [], 'expected handlers to be a list with at least one, got none'],
  ['no list', undefined, 'expected handlers to be a list with at least one, got undefined'],
  [
    'one for replicas',
    [handler(greet, () => undefined)],
    'expected handlers[0] to be made by remoteHandler(…), got one of handler(…)',
  ],
  ['a function', [() => undefined], 'expected handlers[0] to be made by remoteHandler(…), got function'],
  [
    'two of a name',
    [remoteHandler(greet, () => 1), remoteHandler(greet, () => 2)],
    'expected handlers to have one for each job, got two for greet',
  ],
])('refuses handlers: %s', (_, handlers, message) => {
  expect(() =>
    runWorker({ url: 'http://localhost:1', key: 'k', tenant: 'acme', handlers: handlers as never }),
  ).toThrow(message);
});
