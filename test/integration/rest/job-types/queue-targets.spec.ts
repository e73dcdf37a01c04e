// Is a job type that hands its runs to a pg-boss queue refused while there is no such queue, and does it work once there is?
import { PgBoss } from 'pg-boss';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { createJobType, finish, newName, useTenant } from '../../../support/test-tenant.js';

const server = useTestServer({ env: { CARILLON_QUEUE_SCHEMA: 'users_own' } });
const tenant = useTenant(server);

beforeAll(async () => {
  const lists = { allowedQueues: ['mail', 'post'] };
  await server.admin.patch(tenant.path).set('If-Match', '*').send(lists).expect(200);
});

const mail = (): object => ({ name: newName('mail'), target: { kind: 'queue', queue: 'mail' } });

it('a queue target names a queue that is there', async () => {
  const { api, path } = tenant;
  const without = await api.post(`${path}/job-types`).send(mail());
  expect(expectProblem(without, 'validation-failed').detail).toContain(
    'there is no pg-boss in the schema users_own',
  );

  const boss = new PgBoss({
    connectionString: server.databaseUrl,
    schema: 'users_own',
    max: 2,
    supervise: false,
    schedule: false,
  });
  boss.on('error', () => undefined);
  await boss.start();
  onTestFinished(() => boss.stop({ graceful: false }));
  const misnamed = await api.post(`${path}/job-types`).send(mail());
  expect(expectProblem(misnamed, 'validation-failed').detail).toContain('mail, which it does not have');

  await boss.createQueue('mail');
  const { name } = await createJobType(tenant, mail());
  expect(await finish(tenant, { jobType: name, payload: { to: 'ada' } })).toMatchObject({
    state: 'succeeded',
  });
  const change = { target: { kind: 'queue', queue: 'post' } };
  const changed = await api.patch(`${path}/job-types/${name}`).set('If-Match', '*').send(change);
  expect(expectProblem(changed, 'validation-failed').detail).toContain('/target/queue');
});
