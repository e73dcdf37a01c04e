// Is the id of a worker's request that of one request alone? Leases that were taken for another wish are no answer to
// this one.
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { registerWorker } from '../../../support/pull-worker.js';
import { useTestServer } from '../../../support/test-server.js';
import { createRun, useTenant } from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

describe('a worker', () => {
  it('is refused when it repeats the id of its request with another wish', async () => {
    const worker = await registerWorker(tenant);
    const { jobType, workerId } = worker;
    await createRun(tenant, { jobType });
    const requestId = randomUUID();
    const first = await worker.take({ max: 2, requestId });
    const ask = (wish: object) =>
      tenant.api
        .post(`${tenant.path}/worker/leases:acquire`)
        .send({ workerId, requestId, jobTypes: [jobType], max: 2, ...wish });
    for (const wish of [
      { max: 1 },
      { max: 3, waitSeconds: 5 },
      { jobTypes: [jobType, 'another'] },
      { jobTypes: ['another'] },
    ])
      expect(expectFields(await ask(wish))).toEqual(['/requestId']);
    expect(await worker.take({ max: 2, requestId, waitSeconds: 0, jobTypes: [jobType, jobType] })).toEqual(
      first,
    );
  });
});
