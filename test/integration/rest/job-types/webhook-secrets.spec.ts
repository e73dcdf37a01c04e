// Does a tenant have no more than two secrets that sign, however many requests come at once?
import { expect, it } from 'vitest';
import { z } from 'zod';
import { useTestServer } from '../../../support/test-server.js';
import { useTenant } from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server, { per: 'test' });

const secrets = z.object({ items: z.array(z.object({ id: z.string(), expiresAt: z.string().nullable() })) });
const made = z.object({ id: z.string() });

async function signing() {
  const { body } = await tenant.api.get(`${tenant.path}/webhook-secrets`).expect(200);
  return secrets.parse(body).items;
}
const post = (verb = '') => tenant.api.post(`${tenant.path}/webhook-secrets${verb}`).send({});
const together = async (count: number, verb?: string) =>
  (await Promise.all(Array.from({ length: count }, () => post(verb)))).map(({ status }) => status);

it('of thirty that are made at once two are', async () => {
  const statuses = await together(30);
  expect(statuses.filter((status) => status === 201)).toHaveLength(2);
  expect(statuses.filter((status) => status === 409)).toHaveLength(28);
  expect(await signing()).toHaveLength(2);
});

it('a rotation leaves the new one and, for the overlap, the newest before it', async () => {
  await post().expect(201);
  const second = made.parse((await post().expect(201)).body);
  const third = made.parse((await post(':rotate').expect(201)).body);
  expect(await signing()).toMatchObject([
    { id: third.id, expiresAt: null },
    { id: second.id, expiresAt: expect.any(String) as string },
  ]);
});

it('forty rotations at once leave two that sign', async () => {
  expect(new Set(await together(40, ':rotate'))).toEqual(new Set([201]));
  expect((await signing()).map(({ expiresAt }) => expiresAt === null)).toEqual([true, false]);
});
