// Which keys are there, and until when do they open anything? A key that was configured ends when no replica's
// configuration names it any more, every key is listed without its secret, and every key can be revoked.
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { apiKey } from '#server/http/tenants/api-keys.controller.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { openDatabase } from '../../../support/rows.js';
import { startTestServer, useTestServer } from '../../../support/test-server.js';
import { createKey, createTenant, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const FORMER_KEY = 'former-0123456789abcdef-0123456789abcdef';
const KEYS = '/api/v1/api-keys';

const server = useTestServer();
const tenant = useTenant(server);

const list = async (path: string, api = server.admin) =>
  z.object({ items: z.array(apiKey) }).parse((await api.get(path).expect(200)).body).items;

/** As if a replica with another key in its configuration had been there, and had gone so many minutes ago. */
async function nameFormerKey(minutesAgo: number): Promise<void> {
  const former = await startTestServer({
    databaseUrl: server.databaseUrl,
    env: { CARILLON_ADMIN_KEY: FORMER_KEY },
  });
  await former.stop();
  await sql`update carillon.api_key set named_at = clock_timestamp() - make_interval(mins => ${minutesAgo})
             where prefix = 'form'`.execute(openDatabase(server.databaseUrl));
}

const keyThatBegins = async (prefix: string) =>
  (await list(KEYS)).find((key) => key.prefix === prefix) ??
  expect.unreachable(`no key begins with ${prefix}`);

describe("an administrator's key of the configuration", () => {
  it('is accepted by every replica while one of them is configured with it, and for ten minutes longer', async () => {
    await nameFormerKey(9);
    await server.as(FORMER_KEY).get('/api/v1/tenants').expect(200);
  });

  it('is refused when no replica has been configured with it for ten minutes', async () => {
    await nameFormerKey(11);
    const asked = await startTestServer({ databaseUrl: server.databaseUrl });
    try {
      expectProblem(await asked.as(FORMER_KEY).get('/api/v1/tenants'), 'unauthenticated');
      await asked.admin.get('/api/v1/tenants').expect(200);
    } finally {
      await asked.stop();
    }
  });

  it('heals by itself in a replica that is configured with it, also after the clock of the database was set', async () => {
    await sql`update carillon.api_key set named_at = clock_timestamp() - interval '1 day' where prefix = 'sk_a'`.execute(
      openDatabase(server.databaseUrl),
    );
    await until('it is named again', async () => {
      const { expiresAt } = await keyThatBegins('sk_a');
      return expiresAt !== null && Date.parse(expiresAt) > Date.now();
    });
  });

  it('is listed with when it ends, and can be revoked for good', async () => {
    await nameFormerKey(1);
    const former = await keyThatBegins('form');
    expect(former).toMatchObject({ role: 'admin', origin: 'configuration', revokedAt: null });
    await server.admin.post(`${KEYS}/${former.id}:revoke`).expect(204);
    // It does not come back with the next replica that has it.
    await nameFormerKey(0);
    expectProblem(await server.as(FORMER_KEY).get('/api/v1/tenants'), 'unauthenticated');
  });

  it("is not seen by a tenant's key, and no tenant's key is revoked beside the tenant", async () => {
    expectProblem(await tenant.api.get(KEYS), 'forbidden');
    expectProblem(await server.admin.post(`${KEYS}/${tenant.keyId}:revoke`), 'not-found');
    await tenant.api.get(tenant.path).expect(200);
  });
});

describe("a tenant's keys", () => {
  it('are listed with all that may be shown of them, and nothing of their secret but how it begins', async () => {
    const { id, key } = await createKey(tenant.api, tenant.path, { name: 'lister', role: 'worker' });
    const { text } = await tenant.api.get(`${tenant.path}/api-keys`).expect(200);
    expect(text).not.toContain(key);
    const items = await list(`${tenant.path}/api-keys`, tenant.api);
    expect(items.find((item) => item.id === id)).toEqual({
      id,
      name: 'lister',
      prefix: key.slice(0, `sk_${tenant.name}_`.length + 4),
      role: 'worker',
      origin: 'api',
      createdAt: expect.any(String) as string,
      lastUsedAt: null,
      expiresAt: null,
      revokedAt: null,
    });
  });

  it('stay in the list when they are revoked', async () => {
    const { id } = await createKey(tenant.api, tenant.path);
    await tenant.api.post(`${tenant.path}/api-keys/${id}:revoke`).expect(204);
    const items = await list(`${tenant.path}/api-keys`, tenant.api);
    expect(items.find((item) => item.id === id)?.revokedAt).toEqual(expect.any(String));
  });

  it('are paged, and are those of the tenant alone (I10)', async () => {
    const other = await createTenant(server);
    const { body } = await tenant.api.get(`${tenant.path}/api-keys?pageSize=1`).expect(200);
    const { items, nextPageToken } = z
      .object({ items: z.array(apiKey), nextPageToken: z.string() })
      .parse(body);
    const rest = await list(`${tenant.path}/api-keys?pageToken=${nextPageToken}`, tenant.api);
    expect(items).toHaveLength(1);
    expect(rest.map(({ id }) => id)).not.toContain(items[0]?.id);
    expect((await list(`${other.path}/api-keys`, other.api)).map(({ id }) => id)).toEqual([other.keyId]);
  });
});
