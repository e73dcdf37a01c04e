// Does the handler of a scheduled run learn which due time ran before, and how many since then did not, wherever it runs?
import { sql } from 'kysely';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineJob, JobHandler, remoteHandler, runWorker, type JobContext } from '#client/index.js';
import { previousFire } from '#server/http/fires/previous-fire.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createRun,
  createSchedule,
  finishedRun,
  listFires,
  newName,
  secondsFromNow,
  useTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const asking = defineJob({ name: 'asking', payload: z.object({}) });
class Asking {
  @JobHandler(asking)
  asking(_job: object, context: JobContext): unknown {
    return context.previousFire();
  }
}
const server = useTestServer({ handlers: [Asking] });
const tenant = useTenant(server);

const EARLIER = '2026-01-01T00:00:00.000Z';

/** Its first due times are skipped on request, and one long ago has run. Resolves with its runs. */
async function runsOf(jobType: string) {
  const name = newName('asking');
  const at = [3, 4, 5, 6].map((seconds) => secondsFromNow(seconds));
  const { id } = await createSchedule(tenant, { name, spec: { at }, jobType });
  await sql`
    insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, term, started_at)
    select id, ${EARLIER}::timestamptz, tenant_id, 'late', 1, ${EARLIER}::timestamptz from carillon.schedule where id = ${id}`.execute(
    openDatabase(server.databaseUrl),
  );
  await tenant.api.post(`${tenant.path}/schedules/${name}:skipNext`).send({ count: 2 }).expect(200);
  const fires = await until('all are decided', async () => {
    const found = await listFires(tenant, name);
    return found.length === 5 && found.every(({ outcome }) => outcome !== 'planned') && found;
  });
  const [last, first] = fires.flatMap(({ runId }) => runId ?? []);
  return { first: first ?? '', last: last ?? '', at };
}

const ofFirst = { previousDueAt: EARLIER, missedCount: 2, isComplete: true };

it('is told to a handler in a replica, and to whom asks about the run', async () => {
  const { first, last, at } = await runsOf('asking');
  expect((await finishedRun(tenant, { id: first })).output).toEqual(ofFirst);
  const ofLast = { previousDueAt: at[2], missedCount: 0, isComplete: true };
  expect((await finishedRun(tenant, { id: last })).output).toEqual(ofLast);
  const { body } = await tenant.api.get(`${tenant.path}/runs/${last}:previousFire`).expect(200);
  expect(previousFire.parse(body)).toEqual(ofLast);
});

it('is told to a worker, which gets a Date', async () => {
  const job = defineJob({ name: newName('pulled'), payload: z.object({}) });
  const handlers = [
    remoteHandler(job, async (_, context) => {
      const found = await context.previousFire();
      return { ...found, isDate: found?.previousDueAt instanceof Date };
    }),
  ];
  const { url } = server;
  const worker = runWorker({ url, key: tenant.key, tenant: tenant.name, handlers });
  onTestFinished(() => worker.stop());
  await until(
    'it is registered',
    async () => (await tenant.api.get(`${tenant.path}/job-types/${job.name}`)).status === 200,
  );
  const { first } = await runsOf(job.name);
  expect((await finishedRun(tenant, { id: first })).output).toEqual({ ...ofFirst, isDate: true });
});

it('is nothing for a run that came from the API', async () => {
  const { id } = await createRun(tenant, { jobType: 'asking' });
  expect((await finishedRun(tenant, { id })).output).toBeNull();
  expectProblem(await tenant.api.get(`${tenant.path}/runs/${id}:previousFire`), 'invalid-state');
});

it.each([
  ['dueAt', 'context.dueAt'],
  ['scheduledTime', 'context.dueAt'],
  ['missedCount', 'context.previousFire()'],
  ['now', 'the clock'],
])('is not written into a payload as {{%s}}: that is refused with what to read', async (name, instead) => {
  const payload = { a: ['x', `for {{ ${name} }}`] };
  const body = { name: newName('template'), spec: { everySeconds: 3_600 }, jobType: 'asking' };
  const refused = await tenant.api.post(`${tenant.path}/schedules`).send({ ...body, payload });
  expect(expectFields(refused)).toEqual(['/payload/a/1']);
  expect(expectProblem(refused, 'validation-failed').detail).toContain(instead);
  await createSchedule(tenant, { ...body, payload: { a: '{{other}} {dueAt}' } });
  const patch = tenant.api.patch(`${tenant.path}/schedules/${body.name}`).set('If-Match', '*');
  expect(expectFields(await patch.send({ payload }))).toEqual(['/payload/a/1']);
});
