// Does the answer name the replica that serves the tenant? Only where that replica's operator has published a URL of it:
// no answer to a tenant names a host of ours otherwise.
import { beforeAll, describe, expect, it } from 'vitest';
import { ownerOf } from '../../../support/owner-of.js';
import { startTestServer, useTestServer, type TestServer } from '../../../support/test-server.js';
import { createTenant, type TestTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const FIRST = 'https://first.example.com/carillon';
const open = useTestServer({ env: { CARILLON_NAME: 'first', CARILLON_PUBLIC_URL: `${FIRST}/` } });
const closed = useTestServer({ beside: open, env: { CARILLON_NAME: 'second' } });

/** A tenant of each replica. */
const served = new Map<string, TestTenant>();
beforeAll(async () => {
  await until('each of the two serves slots', async () => {
    const { body } = await open.admin.get('/api/v1/cluster/ring').expect(200);
    return (body as { members: { slots: number }[] }).members.filter(({ slots }) => slots > 0).length === 2;
  });
  while (served.size < 2) {
    const tenant = await createTenant(open);
    served.set(await ownerOf(open, tenant), tenant);
  }
});

const tenantOf = (name: string): TestTenant => {
  const tenant = served.get(name);
  if (tenant === undefined) throw new Error(`expected a tenant of ${name}, got none`);
  return tenant;
};

async function namedBy(at: TestServer, { key, path }: TestTenant, wish: object = {}, headers = {}) {
  const answer = await at
    .as(key)
    .post(`${path}/runs`)
    .set(headers)
    .send({ jobType: 'noop', ...wish });
  expect([200, 201]).toContain(answer.status);
  return answer.headers['carillon-owner'];
}

/** It is remembered, and read again when slots have moved. */
const untilNamed = (at: TestServer, tenant: TestTenant, url: string) =>
  until(`${url} is named`, async () => (await namedBy(at, tenant)) === url);

describe('the answer to a new run', () => {
  it('names the public URL of the replica that serves the tenant, and of no other', async () => {
    await untilNamed(closed, tenantOf('first'), FIRST);
    expect(await namedBy(open, tenantOf('first'))).toBeUndefined();
  });

  it('names no replica whose operator has published no URL of it', async () => {
    await untilNamed(closed, tenantOf('first'), FIRST);
    expect(await namedBy(open, tenantOf('second'))).toBeUndefined();
    expect(await namedBy(closed, tenantOf('second'))).toBeUndefined();
  });

  it('names it as well when a run held the unique key, and with an Idempotency-Key', async () => {
    const tenant = tenantOf('first');
    await untilNamed(closed, tenant, FIRST);
    const unique = { unique: { key: 'one', windowSeconds: 60 } };
    expect(await namedBy(closed, tenant, unique)).toBe(FIRST);
    expect(await namedBy(closed, tenant, unique)).toBe(FIRST);
    expect(await namedBy(closed, tenant, {}, { 'idempotency-key': 'a' })).toBe(FIRST);
  });

  it('names nothing once that replica is gone', async () => {
    const third = await startTestServer({
      databaseUrl: open.databaseUrl,
      env: { CARILLON_NAME: 'third', CARILLON_PUBLIC_URL: 'http://third.example.com' },
    });
    const tenant = await until('a tenant is served by the third', async () => {
      const one = await createTenant(open);
      return (await ownerOf(open, one)) === 'third' ? one : undefined;
    });
    await untilNamed(closed, tenant, 'http://third.example.com');
    await third.stop();
    await until('no URL is named', async () => {
      const url = await namedBy(closed, tenant);
      return url === undefined || url === FIRST;
    });
  });
});

it('administrators see the public URL of each replica', async () => {
  const { body } = await open.admin.get('/api/v1/cluster/replicas').expect(200);
  const { items } = body as { items: { name: string; publicUrl: string | null }[] };
  const shown = Object.fromEntries(items.map(({ name, publicUrl }) => [name, publicUrl]));
  expect(shown).toMatchObject({ first: FIRST, second: null });
});
