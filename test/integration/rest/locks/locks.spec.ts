// Are locks what their callers see over REST: acquired, waited for, renewed, released, listed and ended?
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { acquired, lock } from '#server/http/locks/lock.shapes.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { restLocks } from '../../../support/rest-locks.js';
import { useTestServer } from '../../../support/test-server.js';
import { createKey, newName, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);
const { path, ask, acquire, release, read, waiters } = restLocks(tenant);

describe('a lock', () => {
  it('is held until it is released, and names its holder to who comes second', async () => {
    const name = newName('lock');
    const mine = await acquire(name, { holder: 'me' });
    const refused = expectProblem(await ask(name, { holder: 'you' }), 'lock-held');
    expect(refused).toMatchObject({
      detail: `expected ${name} to be free, got ${name}, which "me" holds`,
      holds: [{ name, holder: 'me', expiresAt: mine.expiresAt }],
    });
    // Who has lost the answer to its own request finds its token.
    expect(expectProblem(await ask(name, { holder: 'me' }), 'lock-held')).toMatchObject({
      holds: [{ token: mine.token }],
    });
    await release(mine);
    expect((await acquire(name)).token).toBeGreaterThan(mine.token);
  });

  it('is renewed and released by its token only', async () => {
    const name = newName('lock');
    const { token, expiresAt } = await acquire(name, { leaseSeconds: 5 });
    const renew = (of: number) => tenant.api.post(path(name, ':renew')).send({ token: of, leaseSeconds: 60 });
    const renewed = acquired.parse((await renew(token).expect(200)).body);
    expect(Date.parse(String(renewed.expiresAt))).toBeGreaterThan(Date.parse(String(expiresAt)));
    const lost = `expected ${name} to be held with token ${token + 1}, got one that was released or has expired`;
    expect(expectProblem(await renew(token + 1), 'lock-lost').detail).toBe(lost);
    const wrong = await tenant.api.post(path(name, ':release')).send({ token: token + 1 });
    expect(expectProblem(wrong, 'lock-lost').detail).toBe(lost);
    await release(renewed);
    expectProblem(await renew(token), 'lock-lost');
  });

  it('is shown as it is, under any name', async () => {
    const name = newName('lock');
    expect(await read(name)).toEqual({
      name,
      permits: null,
      revision: null,
      isHeld: false,
      holds: [],
      waiters: 0,
    });
    const { token } = await acquire(name, { holder: 'me', mode: 'shared' });
    await acquire(name, { holder: 'you', mode: 'shared' });
    const { holds } = await read(name);
    expect(holds).toMatchObject([
      { holder: 'me', token, mode: 'shared', permits: 1, depth: 1 },
      { holder: 'you' },
    ]);
  });

  it('is taken from its holder by force', async () => {
    const name = newName('lock');
    const { token } = await acquire(name, { holder: 'stuck' });
    const next = acquire(name, { waitSeconds: 50 });
    await waiters(name, 1);
    const { body } = await tenant.api.post(path(name, ':forceRelease')).send({}).expect(200);
    expect(body).toMatchObject({ ended: [{ token, holder: 'stuck' }] });
    expect((await next).token).toBeGreaterThan(token);
    const none = await tenant.api.post(path(name, ':forceRelease')).send({ token }).expect(200);
    expect(none.body).toEqual({ ended: [] });
  });
});

describe('several locks', () => {
  it('are acquired in one request, all or none, and waited for', async () => {
    const [one, two] = [newName('lock'), newName('lock')];
    const askAll = (body: object = {}) =>
      tenant.api
        .post(`${tenant.path}/locks:acquire`)
        .send({ holder: newName('holder'), locks: [{ name: two }, { name: one, mode: 'shared' }], ...body });
    const inTheWay = await acquire(two);
    expectProblem(await askAll(), 'lock-held');
    expect((await read(one)).isHeld).toBe(false);
    const all = askAll({ waitSeconds: 50 }).expect(200);
    const answered = all.then(({ body }) => z.object({ locks: z.array(acquired) }).parse(body));
    await waiters(one, 1);
    await release(inTheWay);
    const { locks } = await answered;
    expect(locks.map(({ name }) => name).toSorted()).toEqual([one, two].toSorted());
    for (const each of locks) await release(each);
  });
});

describe('a semaphore', () => {
  it('is defined, changed and deleted like other resources', async () => {
    const name = newName('pool');
    const created = await tenant.api.put(path(name)).send({ permits: 2 }).expect(201);
    expect(created.headers).toMatchObject({ etag: '"1"', location: path(name) });
    expect(lock.parse(created.body)).toMatchObject({ name, permits: 2, revision: 1, isHeld: false });
    await tenant.api.put(path(name)).send({ permits: 2 }).expect(200).expect('etag', '"1"');
    await tenant.api
      .put(path(name))
      .set('if-match', '"1"')
      .send({ permits: 3 })
      .expect(200)
      .expect('etag', '"2"');
    expectProblem(
      await tenant.api.put(path(name)).set('if-match', '"1"').send({ permits: 4 }),
      'etag-mismatch',
    );
    expectProblem(
      await tenant.api.put(path(name)).set('if-none-match', '*').send({ permits: 4 }),
      'etag-mismatch',
    );
    expectProblem(
      await tenant.api
        .put(path(newName('no')))
        .set('if-match', '*')
        .send({ permits: 1 }),
      'not-found',
    );
    const held = await acquire(name, { mode: 'permits', permits: 3 });
    expectProblem(await tenant.api.delete(path(name)).set('if-match', '*'), 'invalid-state');
    await release(held);
    expectProblem(await tenant.api.delete(path(name)), 'precondition-required');
    await tenant.api.delete(path(name)).set('if-match', '"2"').expect(204);
    expectProblem(await tenant.api.delete(path(name)).set('if-match', '*'), 'not-found');
  });

  it('lets who waits go on when it gets more permits', async () => {
    const name = newName('pool');
    await tenant.api.put(path(name)).send({ permits: 1 }).expect(201);
    await acquire(name, { mode: 'permits' });
    const second = acquire(name, { mode: 'permits', waitSeconds: 50 });
    await waiters(name, 1);
    await tenant.api.put(path(name)).send({ permits: 2 }).expect(200);
    await second;
  });
});

it('lists what is held, waited for or defined, page by page', async () => {
  const prefix = newName('list');
  const names = ['a', 'b', 'c', 'd'].map((letter) => `${prefix}-${letter}`);
  const [a = '', b = '', c = '', d = ''] = names;
  for (let times = 0; times < 3; times += 1) await acquire(a, { mode: 'shared' });
  await tenant.api.put(path(b)).send({ permits: 2 }).expect(201);
  const held = await acquire(c);
  expectProblem(await ask(c, { waitSeconds: 0.1, keepPlace: true }), 'lock-held');
  await release(held);
  await acquire(d);
  const found: string[] = [];
  let pageToken: string | null = null;
  do {
    const query: string = pageToken === null ? '' : `&pageToken=${pageToken}`;
    const { body } = await tenant.api.get(`${tenant.path}/locks?pageSize=2${query}`).expect(200);
    const page = z.object({ items: z.array(lock), nextPageToken: z.string().nullable() }).parse(body);
    found.push(...page.items.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== null);
  expect(found.filter((name) => name.startsWith(prefix))).toEqual(names);
  expect(found).toEqual([...new Set(found)]);
});

it.each([
  [{ holder: '' }, '/holder'],
  [{ holder: 7 }, '/holder'],
  [{ leaseSeconds: 0.5 }, '/leaseSeconds'],
  [{ leaseSeconds: 90_000 }, '/leaseSeconds'],
  [{ waitSeconds: 51 }, '/waitSeconds'],
  [{ mode: 'write' }, '/mode'],
  [{ permits: 2 }, '/permits'],
  [{ mode: 'permits', permits: 0 }, '/permits'],
  [{ mode: 'permits' }, '/mode'],
  [{ lease: 5 }, '/lease'],
])('names the field of %j that is wrong', async (body, pointer) => {
  const problem = expectProblem(await ask(newName('lock'), body), 'validation-failed');
  expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
});

it('names a lock that is listed twice', async () => {
  const locks = [{ name: 'a' }, { name: 'b' }, { name: 'a' }];
  const answer = await tenant.api.post(`${tenant.path}/locks:acquire`).send({ holder: 'me', locks });
  expect(expectProblem(answer, 'validation-failed').errors).toMatchObject([
    { pointer: '/locks/2/name', detail: 'expected each lock once, got "a"' },
  ]);
});

it('names the one of several locks that no semaphore can meet', async () => {
  const pool = newName('pool');
  await tenant.api.put(path(pool)).send({ permits: 2 }).expect(201);
  const wrong = async (lock: object): Promise<unknown> => {
    const locks = [{ name: newName('z') }, lock];
    const answer = await tenant.api.post(`${tenant.path}/locks:acquire`).send({ holder: 'me', locks });
    return expectProblem(answer, 'validation-failed').errors?.map((error) => error.pointer);
  };
  expect(await wrong({ name: 'none', mode: 'permits' })).toEqual(['/locks/1/mode']);
  expect(await wrong({ name: pool, mode: 'permits', permits: 3 })).toEqual(['/locks/1/permits']);
});

it('can be used by a worker, which reads no lock and takes none from its holder', async () => {
  const { key } = await createKey(tenant.api, tenant.path, { role: 'worker' });
  const worker = server.as(key);
  const name = newName('lock');
  const { body } = await worker.post(path(name, ':acquire')).send({ holder: 'w' }).expect(200);
  const { token } = acquired.parse(body);
  await worker.post(path(name, ':renew')).send({ token }).expect(200);
  await worker.post(path(name, ':release')).send({ token }).expect(204);
  expectProblem(await worker.get(path(name)), 'forbidden');
  expectProblem(await worker.post(path(name, ':forceRelease')).send({}), 'forbidden');
  expectProblem(await worker.put(path(name)).send({ permits: 1 }), 'forbidden');
});

it('holds a tenant to its limits', async () => {
  const small = newName('small');
  await server.admin.post('/api/v1/tenants').send({ name: small }).expect(201);
  await server.admin
    .patch(`/api/v1/tenants/${small}`)
    .set('if-match', '*')
    .send({ limits: { maxLocks: 2, maxLockWaits: 1 } })
    .expect(200);
  const at = (name: string, body: object = {}) =>
    server.admin
      .post(`/api/v1/tenants/${small}/locks/${name}:acquire`)
      .send({ holder: newName('h'), ...body });
  const { body } = await at('a').expect(200);
  await at('b').expect(200);
  expect(expectProblem(await at('c'), 'quota-exceeded').limit).toEqual({
    name: 'maxLocks',
    max: 2,
    current: 2,
  });
  await server.admin
    .post(`/api/v1/tenants/${small}/locks/a:release`)
    .send({ token: acquired.parse(body).token });
  const waiting = at('b', { waitSeconds: 50 });
  const answered = waiting.then((answer) => answer.status);
  await until('one waits', async () => {
    const shown = await server.admin.get(`/api/v1/tenants/${small}/locks/b`);
    return lock.parse(shown.body).waiters === 1;
  });
  expect(expectProblem(await at('b', { waitSeconds: 50 }), 'quota-exceeded').limit).toMatchObject({
    name: 'maxLockWaits',
  });
  // Who was refused does not stand in line either.
  expect((await server.admin.get(`/api/v1/tenants/${small}/locks/b`)).body).toMatchObject({ waiters: 1 });
  await server.admin.post(`/api/v1/tenants/${small}/locks/b:forceRelease`).send({}).expect(200);
  expect(await answered).toBe(200);
});
