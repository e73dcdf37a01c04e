// Which calls show every operation on locks?
import type { Response } from 'supertest';
import { restLocks } from './rest-locks.js';
import type { TestTenant } from './test-tenant.js';

type Call = () => PromiseLike<Response>;

export async function lockCalls(tenant: TestTenant): Promise<Record<string, Call[]>> {
  const T = '/api/v1/tenants/{tenant}';
  const { api } = tenant;
  const { path, ask, acquire } = restLocks(tenant);
  const { name, token } = await acquire('described-held', { holder: 'described' });
  return {
    [`put ${T}/locks/{lock}`]: [201, 200].map(() => () => api.put(path('described')).send({ permits: 2 })),
    [`post ${T}/locks/{lock}:acquire`]: [
      () => ask('described-once'),
      () => ask('described', { mode: 'permits', permits: 2, waitSeconds: 1, reentrant: true }),
    ],
    [`post ${T}/locks:acquire`]: [
      () =>
        api
          .post(`${tenant.path}/locks:acquire`)
          .send({ holder: 'described', locks: [{ name: 'described-a' }, { name: 'described-b' }] }),
    ],
    [`get ${T}/locks`]: [() => api.get(`${tenant.path}/locks`)],
    [`get ${T}/locks/{lock}`]: [name, 'described', 'described-free'].map((of) => () => api.get(path(of))),
    [`post ${T}/locks/{lock}:renew`]: [() => api.post(path(name, ':renew')).send({ token })],
    [`post ${T}/locks/{lock}:release`]: [() => api.post(path(name, ':release')).send({ token })],
    [`post ${T}/locks/{lock}:forceRelease`]: [() => api.post(path('described', ':forceRelease')).send({})],
    [`delete ${T}/locks/{lock}`]: [() => api.delete(path('described')).set('If-Match', '*')],
  };
}
