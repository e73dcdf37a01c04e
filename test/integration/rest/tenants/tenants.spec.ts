// What can an administrator do with tenants?
import { describe, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { startTestServer, useTestServer } from '../../../support/test-server.js';
import { createTenant, finish, newName } from '../../../support/test-tenant.js';

const server = useTestServer();

const create = (body: object) => server.admin.post('/api/v1/tenants').send(body);

describe('creating a tenant', () => {
  it('answers with its slot and revision, and it can be read', async () => {
    const name = newName('acme');
    const { body } = await create({ name, displayName: 'Acme ÄÖÜ 🎼 株式会社' }).expect(201);
    expect(body).toMatchObject({ name, displayName: 'Acme ÄÖÜ 🎼 株式会社', state: 'active', revision: 1 });
    expect((await server.admin.get(`/api/v1/tenants/${name}`).expect(200)).body).toEqual(body);
  });

  it('without a display name shows the name', async () => {
    const name = newName('acme');
    expect((await create({ name }).expect(201)).body).toMatchObject({ displayName: name });
  });

  it.each(['a', '0', 'a.b_c-d', 'x'.repeat(100)])('may call it %s', async (name) => {
    await create({ name }).expect(201);
    await server.admin.get(`/api/v1/tenants/${name}`).expect(200);
  });

  it.each([
    ['upper case', 'Acme'],
    ['a colon', 'acme:pause'],
    ['a slash', 'a/b'],
    ['a blank', 'a b'],
    ['a percent sign', 'a%20b'],
    ['a dash at the end', 'acme-'],
    ['a dot at the start', '.acme'],
    ['two dots and no more', '..'],
    ['nothing', ''],
    ['too much', 'x'.repeat(101)],
    ['a line break at the end', 'acme\n'],
    ['a NUL character', 'ac\0me'],
    ['letters that only look Latin', 'асmе'],
    ['a number', 5],
    ['null', null],
    ['an object', { name: 'acme' }],
    ['a list', ['acme']],
  ])('with a name of %s is refused', async (_, name) => {
    expect(expectFields(await create({ name }))).toEqual(['/name']);
  });

  it.each([
    ['empty', ''],
    ['too long', 'x'.repeat(201)],
    ['not text', 7],
    ['with a NUL character', 'a\0b'],
    ['with half a surrogate pair', '\ud83c'],
  ])('with a display name that is %s is refused', async (_, displayName) => {
    expect(expectFields(await create({ name: newName('acme'), displayName }))).toEqual(['/displayName']);
  });

  it('names every field that does not belong there', async () => {
    const fields = expectFields(await create({ name: newName('acme'), slot: 3, id: 'x', 'a/b~c': 1 }));
    expect(fields).toEqual(['/slot', '/id', '/a~1b~0c']);
  });

  it('names every mistake at once', async () => {
    expect(expectFields(await create({ displayName: 5, more: true }))).toEqual([
      '/name',
      '/displayName',
      '/more',
    ]);
  });

  it('under a name that is taken answers 409', async () => {
    const { name } = await createTenant(server);
    expect(expectProblem(await create({ name }), 'already-exists').detail).toContain(name);
  });

  it('at the same time as nine others under one name succeeds once', async () => {
    const name = newName('race');
    const statuses = await Promise.all(
      Array.from({ length: 10 }, async () => (await create({ name })).status),
    );
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, ...Array<number>(9).fill(409)]);
  });
});

describe('a tenant', () => {
  it('that does not exist is not found', async () => {
    expect(expectProblem(await server.admin.get('/api/v1/tenants/nobody'), 'not-found').detail).toContain(
      'nobody',
    );
  });

  it.each(['Nobody', 'a%00b', 'a%20b', 'x'.repeat(200), '..%2f..', '%F0%9F%8E%BC'])(
    'with the impossible name %s is not found',
    async (name) => {
      expectProblem(await server.admin.get(`/api/v1/tenants/${name}`), 'not-found');
      expectProblem(await server.admin.get(`/api/v1/tenants/${name}/runs`), 'not-found');
    },
  );

  it('can be served by an administrator, too', async () => {
    const tenant = await createTenant(server);
    const run = await finish({ ...tenant, api: server.admin }, { jobType: 'echo', payload: { by: 'admin' } });
    expect(run).toMatchObject({ state: 'succeeded', output: { by: 'admin' } });
  });

  it('keeps its runs when another replica of the same installation starts and stops', async () => {
    const tenant = await createTenant(server);
    const before = await finish(tenant, { jobType: 'echo', payload: 1 });
    const second = await startTestServer({ databaseUrl: server.databaseUrl });
    const through = { ...tenant, api: second.as(tenant.key) };
    const meanwhile = await finish(through, { jobType: 'echo', payload: 2 });
    await second.stop();
    const after = await finish(tenant, { jobType: 'echo', payload: 3 });
    expect([before, meanwhile, after].map(({ output }) => output)).toEqual([1, 2, 3]);
  });
});
