// What may a worker say of itself?
import { expect, it } from 'vitest';
import * as shapes from '#server/http/workers/worker.shapes.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { newName, useTenant } from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

it('a worker has a concurrency; the name that it had before is refused with the new one', async () => {
  const register = (wish: object) =>
    tenant.api
      .post(`${tenant.path}/worker/workers:register`)
      .send({ name: 'counted', jobTypes: [{ name: newName('pulled') }], ...wish });
  const { workerId } = shapes.registeredWorker.parse((await register({ concurrency: 7 }).expect(200)).body);
  const { body } = await tenant.api.get(`${tenant.path}/worker/workers`).expect(200);
  expect((body as { items: unknown }).items).toContainEqual(
    expect.objectContaining({ id: workerId, concurrency: 7 }),
  );
  const problem = expectProblem(await register({ slots: 7 }), 'validation-failed');
  expect(problem.errors).toEqual([
    { pointer: '/slots', detail: 'expected no such field; it is called concurrency, got 7' },
  ]);
});
