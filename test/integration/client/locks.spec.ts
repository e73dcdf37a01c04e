// Does a process that uses the client hold its locks for as long as it needs them, and stop in time when it can't be sure?
// Against a real replica, which a proxy of the test's can cut off.
import { beforeEach, describe, expect, it } from 'vitest';
import { lockClient, type LockClient } from '#client/locks/locks.js';
import { LockLost, LockNotAcquired } from '#client/locks/lock-errors.js';
import { startHttpProxy, type Way } from '../../support/http-proxy.js';
import { restLocks } from '../../support/rest-locks.js';
import { useTestServer } from '../../support/test-server.js';
import { newName, useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);
const { read, path, waiters } = restLocks(tenant);

let way: (url: string) => Way;
let passed: string[];
let client: LockClient;

beforeEach(async () => {
  way = () => 'open';
  passed = [];
  const proxy = await startHttpProxy(server);
  proxy.way = ({ url = '' }) => {
    const now = way(url);
    if (now !== 'shut') passed.push(url.replace(/.*\//, ''));
    return now;
  };
  client = lockClient({ url: proxy.url, tenant: tenant.name, key: tenant.key });
});

describe('withLock()', () => {
  it('acts while the lock is held, with its token, and releases it in any case', async () => {
    const name = newName('lock');
    const seen = await client.withLock(name, async ({ token, tokens, signal, isHeld }) => {
      const { holds } = await read(name);
      expect(holds).toMatchObject([{ token, mode: 'exclusive' }]);
      return { tokens, isSure: !signal.aborted, isHeld };
    });
    expect(seen).toMatchObject({ tokens: { [name]: expect.any(Number) as number }, isSure: true });
    await expect(client.withLock(name, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect((await read(name)).isHeld).toBe(false);
  });

  it('lets one at a time in, in the order of coming', async () => {
    const name = newName('lock');
    const order: number[] = [];
    let inside = 0;
    const work = async (number: number): Promise<void> => {
      expect((inside += 1)).toBe(1);
      order.push(number);
      await read(name);
      inside -= 1;
    };
    const first = Promise.withResolvers<void>();
    const runs = [client.withLock(name, () => first.promise)];
    await until('the first holds it', async () => (await read(name)).isHeld);
    for (const number of [1, 2, 3]) {
      runs.push(client.withLock(name, () => work(number)));
      await waiters(name, number);
    }
    first.resolve();
    await Promise.all(runs);
    expect(order).toEqual([1, 2, 3]);
  });

  it('acquires several locks together, of any mode', async () => {
    const [one, two] = [newName('lock'), newName('lock')];
    await client.withLock([one, { name: two, mode: 'shared' }], async ({ token, tokens }) => {
      expect(Object.keys(tokens)).toEqual([one, two]);
      expect(token).toBe(tokens[one]);
      await client.withLock({ name: two, mode: 'shared' }, async () => {
        expect((await read(two)).holds).toHaveLength(2);
      });
    });
  });

  it('holds the lock for longer than its lease, by renewing it', async () => {
    const name = newName('lock');
    await client.withLock(
      name,
      async ({ token, signal }) => {
        await until(
          'it was renewed four times',
          () => passed.filter((verb) => verb.endsWith(':renew')).length >= 4,
        );
        expect((await read(name)).holds).toMatchObject([{ token }]);
        expect(signal.aborted).toBe(false);
      },
      { leaseSeconds: 1 },
    );
  });
});

describe('a hold', () => {
  const aborted = (signal: AbortSignal): Promise<unknown> =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));

  it('aborts its signal before its lease ends when no replica answers', async () => {
    const name = newName('lock');
    const held = await client.acquire(name, { leaseSeconds: 2 });
    way = () => 'shut';
    expect(await aborted(held.signal)).toBeInstanceOf(LockLost);
    expect(held.isHeld()).toBe(false);
    // No other has got it by then.
    expect((await read(name)).holds).toMatchObject([{ token: held.token }]);
    await held.release();
  });

  it('aborts its signal when an operator has taken it', async () => {
    const name = newName('lock');
    const held = await client.acquire(name, { leaseSeconds: 1 });
    await tenant.api.post(path(name, ':forceRelease')).send({}).expect(200);
    expect(await aborted(held.signal)).toBeInstanceOf(LockLost);
    await held.release();
  });

  it('knows by itself that it is over in a process that was asleep', async () => {
    const name = newName('lock');
    const held = await client.acquire(name, { leaseSeconds: 1 });
    // No timer of this process comes meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_100);
    expect(held.isHeld()).toBe(false);
    expect(held.signal.aborted).toBe(true);
    await held.release();
  });

  it('lives through renewals whose answers are lost', async () => {
    const name = newName('lock');
    const held = await client.acquire(name, { leaseSeconds: 3 });
    let lost = 0;
    way = (url) => (url.endsWith(':renew') && (lost += 1) <= 3 ? 'deaf' : 'open');
    await until('it was renewed', () => passed.filter((verb) => verb.endsWith(':renew')).length >= 4);
    expect(held.isHeld()).toBe(true);
    await held.release();
    expect((await read(name)).isHeld).toBe(false);
  });
});

describe('acquire()', () => {
  it('gives up when its time is up', async () => {
    const name = newName('lock');
    const held = await client.acquire(name);
    const refused = client.acquire(name, { waitSeconds: 0.3 });
    await expect(refused).rejects.toThrow(LockNotAcquired);
    await expect(client.acquire(name, { waitSeconds: 0 })).rejects.toThrow(
      `expected ${name} to be free in time, got what others hold`,
    );
    await waiters(name, 0);
    await held.release();
  });

  it("leaves the line when its caller's signal is aborted", async () => {
    const name = newName('lock');
    const held = await client.acquire(name);
    const abort = new AbortController();
    const waiting = client.acquire(name, { signal: abort.signal });
    const refused = waiting.catch((error: unknown) => error);
    await waiters(name, 1);
    abort.abort(new Error('enough'));
    expect(await refused).toEqual(new Error('enough'));
    await waiters(name, 0);
    await held.release();
  });

  it('finds the lock that it has got by a request whose answer was lost', async () => {
    const name = newName('lock');
    let asked = 0;
    way = (url) => (url.endsWith(':acquire') && (asked += 1) === 1 ? 'deaf' : 'open');
    const held = await client.acquire(name, { waitSeconds: 20 });
    expect(asked).toBe(2);
    expect(held.isHeld()).toBe(true);
    expect((await read(name)).holds).toMatchObject([{ token: held.token }]);
    await held.release();
  });

  it('says at once what can not be right', async () => {
    await expect(client.acquire('Not a name')).rejects.toThrow('/locks/0/name: expected 1 to 100 lower-case');
    await expect(client.acquire('a', { leaseSeconds: 0 })).rejects.toThrow('/leaseSeconds');
    const misspelt = { leaseSecond: 5 } as object;
    await expect(client.acquire('a', misspelt)).rejects.toThrow('it is called leaseSeconds');
    await expect(client.withLock('a', () => undefined, misspelt)).rejects.toThrow('option leaseSecond');
    const unknown = { url: server.url, tenant: 'a', key: 'k', onEror: () => undefined };
    expect(() => lockClient(unknown)).toThrow('it is called onError');
    await expect(client.acquire({ name: newName('none'), mode: 'permits' })).rejects.toThrow('/locks/0/mode');
  });
});
