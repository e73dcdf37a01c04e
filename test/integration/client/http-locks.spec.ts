// What can applications do with locks by the client of the REST API? Against a real replica.
import { expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { createClient } from '#client/http/client.js';
import type { ClientHold, ClientLock } from '#client/http/lock-calls.js';
import { LockLost } from '#client/locks/lock-errors.js';
import type { lock } from '#server/http/locks/lock.shapes.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { useTestServer } from '../../support/test-server.js';
import { newName, useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server, { per: 'test' });
const connect = (url = server.url) => createClient({ url, tenant: tenant.name, key: tenant.key });

type ShownLock = z.output<typeof lock>;

it('a lock and a hold have the fields that the API describes', () => {
  expectTypeOf<keyof ClientLock>().toEqualTypeOf<keyof ShownLock>();
  expectTypeOf<keyof ClientHold>().toEqualTypeOf<keyof ShownLock['holds'][number]>();
});

it('a lock is held while the work lasts, and shows it', async () => {
  const { locks } = connect();
  expect(await locks.get('books')).toMatchObject({ isHeld: false, holds: [], permits: null });
  const seen = await locks.withLock('books', async ({ token }) => {
    expect(await locks.get('books')).toMatchObject({ isHeld: true, holds: [{ token, mode: 'exclusive' }] });
    const names = [];
    for await (const { name } of locks.list()) names.push(name);
    return names;
  });
  expect(seen).toEqual(['books']);
  expect(await locks.get('books')).toMatchObject({ isHeld: false });
});

it('a hold is ended for its holder, which learns of it', async () => {
  const { locks } = connect();
  const held = await locks.acquire('books', { leaseSeconds: 1 });
  expect(await locks.forceRelease('books', { token: held.token + 1 })).toEqual([]);
  expect(await locks.forceRelease('books')).toMatchObject([{ name: 'books', token: held.token }]);
  await until('the holder knows', () => held.signal.aborted);
  expect(held.signal.reason).toBeInstanceOf(LockLost);
  await held.release();
});

it('a semaphore is made, changed and deleted', async () => {
  const { locks } = connect();
  const name = newName('lock');
  expect(await locks.setPermits(name, 3)).toMatchObject({ permits: 3, revision: 1 });
  expect(await locks.setPermits(name, 5, { revision: 1 })).toMatchObject({ permits: 5, revision: 2 });
  await expect(locks.setPermits(name, 6, { revision: 1 })).rejects.toMatchObject({ code: 'ETAG_MISMATCH' });
  const held = await locks.acquire({ name, mode: 'permits', permits: 2 });
  await expect(locks.deleteSemaphore(name)).rejects.toMatchObject({ code: 'INVALID_STATE' });
  await held.release();
  await locks.deleteSemaphore(name, { revision: 2 });
  expect(await locks.get(name)).toMatchObject({ permits: null, revision: null });
  await expect(locks.deleteSemaphore(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

it('a call whose answer is lost is repeated where that can do no harm', async () => {
  const proxy = await startHttpProxy(server);
  const { locks } = connect(proxy.url);
  const deafOnce = () => {
    proxy.asked = 0;
    proxy.way = () => (proxy.asked === 1 ? 'deaf' : 'open');
  };
  deafOnce();
  expect(await locks.setPermits('s', 3)).toMatchObject({ permits: 3 });
  deafOnce();
  await locks.deleteSemaphore('s');
  const held = await connect().locks.acquire('books');
  deafOnce();
  // It was ended by the first of the two.
  expect(await locks.forceRelease('books', { token: held.token })).toEqual([]);
  deafOnce();
  await expect(locks.forceRelease('books')).rejects.toMatchObject({
    name: 'NoAnswer',
    mayHaveHappened: true,
  });
  expect(proxy.asked).toBe(1);
  await held.release();
});

it('what can not be right is refused before it is sent, by its name', async () => {
  const { locks } = createClient({ url: 'http://127.0.0.1:1', tenant: 'a', key: 'k' });
  await expect(locks.get('.')).rejects.toThrow('expected the name of a lock');
  await expect(locks.setPermits('a', 3, { revison: 1 } as object)).rejects.toThrow('it is called revision');
  await expect(locks.deleteSemaphore('a', { revision: -1 })).rejects.toThrow(
    'expected revision to be one that',
  );
  await expect(locks.forceRelease('a', { tokn: 1 } as object)).rejects.toThrow('expected no option tokn');
  await expect(locks.acquire('a', { waitSecond: 1 } as object)).rejects.toThrow('it is called waitSeconds');
});
