// How does a test ask for locks over REST?
import type { z } from 'zod';
import { acquired, lock } from '#server/http/locks/lock.shapes.js';
import { newName, type TestTenant } from './test-tenant.js';
import { until } from './until.js';

export type Acquired = z.output<typeof acquired>;

export function restLocks(tenant: TestTenant) {
  const path = (name: string, verb = ''): string => `${tenant.path}/locks/${name}${verb}`;
  const ask = (name: string, body: object = {}) =>
    tenant.api.post(path(name, ':acquire')).send({ holder: newName('holder'), ...body });
  const read = async (name: string): Promise<z.output<typeof lock>> =>
    lock.parse((await tenant.api.get(path(name)).expect(200)).body);
  return {
    path,
    ask,
    read,
    acquire: async (name: string, body: object = {}): Promise<Acquired> =>
      acquired.parse((await ask(name, body).expect(200)).body),
    release: ({ name, token }: Acquired) =>
      tenant.api.post(path(name, ':release')).send({ token }).expect(204),
    waiters: (name: string, count: number) =>
      until(`${count} wait for ${name}`, async () => (await read(name)).waiters === count),
  };
}
