// Does a schedule that code defines follow the code, while versions of the code come and go beside each other?
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { withClaimsHeldOff } from '#cluster/slots/claims-hold.js';
import { inTransaction } from '#database/connection.js';
import type { Slot, TenantId } from '#kernel/ids.js';
import { isDefined, noteDefinitions } from '#scheduling/defining/definition.repository.js';
import { withSchedule } from '#scheduling/schedules/held-schedule.js';
import { pause as pauseSchedule } from '#scheduling/schedules/pauses.js';
import { setSource } from '#scheduling/schedules/schedule-source.repository.js';
import { defined } from '#server/http/code-schedules/definitions.shapes.js';
import { registerWorker } from '../../../support/pull-worker.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { openTransaction, untilOneWaits } from '../../../support/open-transaction.js';
import { openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createKey,
  createSchedule,
  newName,
  readSchedule,
  useTenant,
  type TestTenant,
} from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server, { per: 'test' });

async function newJob(of: TestTenant = tenant) {
  const { jobType } = await registerWorker(of);
  const define = async (...schedules: object[]) => {
    const { body } = await of.api
      .post(`${of.path}/worker/schedules:define`)
      .send({ jobTypes: [{ name: jobType, schedules }] })
      .expect(200);
    return defined.parse(body).refused;
  };
  return { jobType, define };
}
const hourly = { name: 'tidy-up', spec: { everySeconds: 3_600 } };
const daily = { name: 'tidy-up', spec: { cron: '0 3 * * *' } };
const read = () => readSchedule(tenant, 'tidy-up');
const act = (verb: string, body: object = {}) =>
  tenant.api.post(`${tenant.path}/schedules/tidy-up:${verb}`).send(body);

/** As if the processes that defined it had been gone for so long. */
async function untilForgotten(): Promise<void> {
  const db = openDatabase(server.databaseUrl);
  await sql`
    update carillon.schedule_definition set seen_at = seen_at - interval '2 minutes', since = since - interval '2 minutes'
     where tenant_id = (select id from carillon.tenant where name = ${tenant.name})`.execute(db);
}

it('is made, and the same code again changes nothing', async () => {
  const { jobType, define } = await newJob();
  expect(await define(hourly)).toEqual([]);
  const made = await read();
  expect(made).toMatchObject({ ...hourly, jobType, source: 'code', removedFromCodeAt: null, revision: 1 });
  expect(await define({ spec: { everySeconds: 3_600 }, payload: {}, name: 'tidy-up' })).toEqual([]);
  expect(await read()).toEqual(made);
});

it('changes with the code', async () => {
  const { define } = await newJob();
  await define(hourly);
  await define({ ...daily, timeZone: 'Europe/Berlin', tags: ['nightly'] });
  expect(await read()).toMatchObject({ ...daily, tags: ['nightly'], timeZone: 'Europe/Berlin', revision: 2 });
});

it('keeps what came last while both versions of the code run', async () => {
  const { define } = await newJob();
  await define(hourly);
  await define(daily);
  await define(hourly);
  expect(await read()).toMatchObject(daily);
  await untilForgotten();
  await define(hourly);
  expect(await read()).toMatchObject(hourly);
});

async function held() {
  const db = openDatabase(server.databaseUrl);
  const { rows } = await sql<{ id: TenantId; slot: Slot }>`
    select id, slot from carillon.tenant where name = ${tenant.name}`.execute(db);
  const [of] = rows;
  if (of === undefined) throw new Error('expected the tenant');
  return { db, ref: { tenant: of, name: 'tidy-up', revision: null } };
}

it('is not given the version of a process that decided on it before another version came', async () => {
  const { define } = await newJob();
  await define(hourly);
  const { db, ref } = await held();
  const gate = await openTransaction((pause) =>
    withClaimsHeldOff(db, ref.tenant.slot, { waitMs: 2_000 }, pause),
  );
  const waiting = define(daily);
  await untilOneWaits(db, waiting);
  await inTransaction(db, (tx) =>
    noteDefinitions(tx, ref.tenant.id, [{ name: 'tidy-up', digest: 'of a newer process' }]),
  );
  await gate.letGo();
  expect(await waiting).toEqual([]);
  expect(await read()).toMatchObject(hourly);
});

it('goes on when it is defined again while it is being removed', async () => {
  const { define } = await newJob();
  await define(hourly);
  await untilForgotten();
  const { db, ref } = await held();
  const removing = await openTransaction((pause) =>
    withSchedule(db, ref, async (tx, schedule) => {
      expect(await isDefined(tx, schedule)).toBe(false);
      await pause();
      await setSource(tx, schedule, { source: 'code', removedFromCodeAt: new Date() });
      return pauseSchedule(tx, schedule, { reason: 'removed from code', by: 'test' });
    }),
  );
  const again = define(hourly);
  await untilOneWaits(db, again);
  expect(await removing.letGo()).toMatchObject({ kind: 'changed' });
  expect(await again).toEqual([]);
  expect(await read()).toMatchObject({ state: 'active', removedFromCodeAt: null });
});

it('is no request’s to change or delete, and says which job type defines it', async () => {
  const { jobType, define } = await newJob();
  await define(hourly);
  const path = `${tenant.path}/schedules/tidy-up`;
  for (const refused of [
    await tenant.api.patch(path).set('If-Match', '*').send({ priority: 3 }),
    await tenant.api.put(path).send({ spec: { everySeconds: 60 }, jobType }),
    await tenant.api.put(path).send({ spec: { everySeconds: 3_600 }, jobType }),
    await tenant.api.delete(path).set('If-Match', '*'),
  ]) {
    expect(expectProblem(refused, 'invalid-state').detail).toContain(
      `defined in code by job type ${jobType}`,
    );
  }
  await act('pause', { reason: 'holiday' }).expect(200);
  await act('run').expect(201);
  await act('skipNext').expect(200);
  expect(await define(hourly)).toEqual([]);
  expect(await read()).toMatchObject({ state: 'paused', pauseReason: 'holiday', source: 'code' });
  await act('resume').expect(200);
});

it('is paused once no living code defines it, and then is a request’s to change', async () => {
  const { jobType, define } = await newJob();
  await define(hourly);
  await define();
  expect(await read()).toMatchObject({ state: 'active', removedFromCodeAt: null });
  await untilForgotten();
  await define();
  const removed = await read();
  expect(removed).toMatchObject({ state: 'paused', pauseReason: 'removed from code', source: 'code' });
  expect(removed.removedFromCodeAt).not.toBeNull();
  await act('resume').expect(200);
  await define();
  expect(await read()).toMatchObject({ state: 'active' });
  const path = `${tenant.path}/schedules/tidy-up`;
  await tenant.api
    .put(path)
    .send({ spec: { everySeconds: 3_600 }, jobType })
    .expect(200);
  expect(await read()).toMatchObject({ source: 'api', removedFromCodeAt: null });
  await tenant.api.delete(path).set('If-Match', '*').expect(204);
});

it('goes on when it is back in the code, unless a person had paused it', async () => {
  const { define } = await newJob();
  const other = { ...hourly, name: 'other' };
  await define(hourly, other);
  await act('pause', { reason: 'holiday' }).expect(200);
  await untilForgotten();
  await define();
  expect(await read()).toMatchObject({ state: 'paused', pauseReason: 'holiday' });
  expect(await readSchedule(tenant, 'other')).toMatchObject({ pauseReason: 'removed from code' });
  await define(hourly, other);
  expect(await read()).toMatchObject({ state: 'paused', pauseReason: 'holiday', removedFromCodeAt: null });
  expect(await readSchedule(tenant, 'other')).toMatchObject({ state: 'active', removedFromCodeAt: null });
});

it('takes the place of one that a request made', async () => {
  const { jobType, define } = await newJob();
  const made = await createSchedule(tenant, { ...hourly, jobType });
  expect(made).toMatchObject({ source: 'api' });
  await define(hourly);
  expect(await read()).toMatchObject({ id: made.id, source: 'code', nextDueAt: made.nextDueAt });
});

it('that can not be made is told, and the others are made', async () => {
  const { define } = await newJob();
  const past = { name: 'past', spec: { at: '2020-01-01T00:00:00Z' } };
  expect(await define(past, hourly)).toEqual([
    { schedule: 'past', detail: expect.stringContaining('/spec/at') as string },
  ]);
  expect(await read()).toMatchObject(hourly);
});

it('waits for a limit, and for a suspended tenant', async () => {
  const { define } = await newJob();
  await server.admin
    .patch(tenant.path)
    .set('If-Match', '*')
    .send({ limits: { maxSchedules: 1 } })
    .expect(200);
  expect(await define(hourly, { ...hourly, name: 'second' })).toMatchObject([
    { schedule: 'second', detail: expect.stringContaining('maxSchedules') as string },
  ]);
  await server.admin.post(`${tenant.path}:suspend`).expect(200);
  expect(await define(daily)).toMatchObject([{ schedule: 'tidy-up' }]);
  await server.admin.post(`${tenant.path}:resume`).expect(200);
  expect(await define(daily)).toEqual([]);
  expect(await read()).toMatchObject(daily);
});

it('may be defined with the key of a worker, in the form of schedules alone', async () => {
  const { jobType } = await newJob();
  const { key } = await createKey(tenant.api, tenant.path, { role: 'worker' });
  const send = (schedule: object) =>
    server
      .as(key)
      .post(`${tenant.path}/worker/schedules:define`)
      .send({ jobTypes: [{ name: jobType, schedules: [schedule] }] });
  await send(hourly).expect(200);
  expect(expectFields(await send({ ...hourly, jobType }))).toEqual(['/jobTypes/0/schedules/0/jobType']);
  expect(expectFields(await send({ name: newName('x'), spec: {} }))).toEqual([
    '/jobTypes/0/schedules/0/spec',
  ]);
});

it('may follow another one that the same code defines, in any order', async () => {
  const { define } = await newJob();
  const behind = { name: 'behind', spec: { afterSuccessOf: 'tidy-up', delaySeconds: 5 } };
  const chain = { name: 'chain', spec: { delaySeconds: 3_600 } };
  expect(await define(behind, hourly, chain)).toEqual([]);
  expect(await readSchedule(tenant, 'behind')).toMatchObject({ ...behind, source: 'code' });
  expect(await define(behind, hourly, chain)).toEqual([]);
  expect(await readSchedule(tenant, 'chain')).toMatchObject({ ...chain, revision: 1 });
});
