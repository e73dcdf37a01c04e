// What can be done in a suspended tenant? Nothing new: every operation of the description that changes something is
// refused with the tenant's state, with any body, but for those that end or stop things, those of an administrator,
// and what is said about work that is under way.
import { describe, expect, it } from 'vitest';
import { operationsOf, readDescription } from '../../../support/api-description.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { createJobType, createSchedule, useTenant } from '../../../support/test-tenant.js';

const SOME_ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const STILL_DONE =
  /^((patch|put) \{tenant\}|post \{tenant\}:(suspend|resume)|post .*:(revoke|cancel|pause|quiet|terminate|renew|release|forceRelease)|delete .*|post .*leases.*|post .*schedules:define|post .*\{worker\}:(heartbeat|deregister))$/;

const server = useTestServer();
const tenant = useTenant(server);

describe('a suspended tenant', () => {
  it('is refused every change but those that end things', async () => {
    const { name: jobType } = await createJobType(tenant);
    const { name: schedule } = await createSchedule(tenant);
    await server.admin.post(`${tenant.path}:suspend`).expect(200);
    const inTenant = operationsOf(await readDescription(server)).filter(
      ({ method, path }) => method !== 'get' && path.startsWith('/api/v1/tenants/{tenant}'),
    );
    const nameOf = ({ method, path }: { method: string; path: string }) =>
      `${method} ${path.replace('/api/v1/tenants/', '')}`;
    const refused = inTenant.filter((operation) => !STILL_DONE.test(nameOf(operation)));
    expect(refused.length).toBeGreaterThan(12);
    for (const operation of inTenant.filter(({ path }) => !/\{tenant\}:(suspend|resume)$/.test(path))) {
      const path = operation.path
        .replace('{tenant}', tenant.name)
        .replace('{jobType}', jobType)
        .replace('{schedule}', schedule)
        .replaceAll(/\{\w+\}/g, SOME_ID);
      const call = server.admin[operation.method as 'post'](path).set('If-Match', '"99"');
      const response = await call;
      if (refused.includes(operation)) {
        const { currentState } = expectProblem(response, 'invalid-state');
        expect(currentState, nameOf(operation)).toBe('suspended');
      } else expect(response.body, nameOf(operation)).not.toMatchObject({ currentState: 'suspended' });
    }
    await tenant.api.delete(`${tenant.path}/schedules/${schedule}`).set('If-Match', '*').expect(204);
    await server.admin.post(`${tenant.path}:resume`).expect(200);
    await createJobType(tenant);
  });
});

describe('two values that exclude each other', () => {
  const LATER = '2030-01-02T00:00:00Z';
  const EARLIER = '2030-01-01T00:00:00Z';

  it('are refused in a run, alone and in a batch', async () => {
    const deadline = new Date(Date.now() + 60_000).toISOString();
    const run = { jobType: 'noop', deadline, delaySeconds: 3_600 };
    expect(expectFields(await tenant.api.post(`${tenant.path}/runs`).send(run))).toEqual(['/deadline']);
    const batch = { runs: [run] };
    expect(expectFields(await tenant.api.post(`${tenant.path}/runs:batchCreate`).send(batch))).toEqual([
      '/runs/0/deadline',
    ]);
    await tenant.api
      .post(`${tenant.path}/runs`)
      .send({ ...run, delaySeconds: 1 })
      .expect(201);
  });

  it('are refused in a retry policy, wherever one is given', async () => {
    const retry = { minSeconds: 0.002, maxSeconds: 0.001 };
    const target = { kind: 'handler', handler: 'noop' };
    const { name } = await createJobType(tenant);
    const { api, path } = tenant;
    expect(expectFields(await api.post(`${path}/job-types`).send({ name: 'odd', target, retry }))).toEqual([
      '/retry/maxSeconds',
    ]);
    expect(
      expectFields(await api.patch(`${path}/job-types/${name}`).set('If-Match', '*').send({ retry })),
    ).toEqual(['/retry/maxSeconds']);
    const worker = { name: 'odd', jobTypes: [{ name: 'odd', retry }] };
    expect(expectFields(await api.post(`${path}/worker/workers:register`).send(worker))).toEqual([
      '/jobTypes/0/retry/maxSeconds',
    ]);
  });

  it('are refused in every span of time', async () => {
    const { name } = await createSchedule(tenant);
    const { api, path } = tenant;
    const created = `createdAfter=${LATER}&createdBefore=${EARLIER}`;
    expect(expectFields(await api.get(`${path}/runs?${created}`))).toEqual(['?createdBefore']);
    expect(
      expectFields(await api.get(`${path}/schedules/${name}/fires?from=${LATER}&to=${EARLIER}`)),
    ).toEqual(['?to']);
    for (const verb of ['cancel', 'retry']) {
      const filter = { createdAfter: LATER, createdBefore: EARLIER };
      expect(expectFields(await api.post(`${path}/runs:${verb}`).send({ filter }))).toEqual([
        '/filter/createdBefore',
      ]);
    }
  });
});
