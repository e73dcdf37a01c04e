// Which calls show every operation on schedules, their calendars and the long work on them?
import type { Response } from 'supertest';
import type { ShownOperation } from './operations.js';
import { newName, secondsFromNow, type Schedule, type TestTenant } from './test-tenant.js';

/** Where the description has them. */
const T = '/api/v1/tenants/{tenant}';

type Calls = Record<string, (() => PromiseLike<Response>)[]>;

interface Scene {
  often: Schedule;
  cron: Schedule;
  once: Schedule;
  backfill: ShownOperation;
}

export function scheduleCalls(tenant: TestTenant, scene: Scene): Calls {
  return {
    ...callsOfCalendars(tenant),
    ...callsOfSchedules(tenant, scene),
    ...callsOfSchedulesPast(tenant, scene),
  };
}

function callsOfSchedulesPast({ path, api }: TestTenant, { cron }: Scene): Calls {
  return {
    [`get ${T}/schedules/{schedule}:audit`]: [
      () => api.get(`${path}/schedules/${cron.name}:audit?from=2026-01-01T00:00:00Z`),
    ],
    [`get ${T}/schedules/{schedule}/revisions`]: [() => api.get(`${path}/schedules/${cron.name}/revisions`)],
    [`get ${T}/schedules/{schedule}:explain`]: [
      () => api.get(`${path}/schedules/${cron.name}:explain?at=2026-01-01T00:00:00Z`),
    ],
  };
}

function callsOfSchedules(tenant: TestTenant, { often, cron, once }: Scene): Calls {
  const { path } = tenant;
  return {
    [`get ${T}/schedules`]: [() => tenant.api.get(`${path}/schedules`)],
    [`post ${T}/schedules`]: [
      () =>
        tenant.api
          .post(`${path}/schedules`)
          .send({ name: newName('described'), spec: { everySeconds: 60 }, jobType: 'noop' }),
    ],
    [`get ${T}/schedules/{schedule}`]: [often, cron, once].map(
      ({ name }) =>
        () =>
          tenant.api.get(`${path}/schedules/${name}`),
    ),
    [`put ${T}/schedules/{schedule}`]: [201, 200].map(
      () => () =>
        tenant.api
          .put(`${path}/schedules/described-by-file`)
          .send({ spec: { cron: '0 0 * * *' }, jobType: 'noop' }),
    ),
    [`patch ${T}/schedules/{schedule}`]: [
      () =>
        tenant.api
          .patch(`${path}/schedules/${cron.name}`)
          .set('If-Match', '*')
          .send({ timeZone: null, clockChanges: { repeat: 'both' }, payload: { a: null } }),
    ],
    [`post ${T}/schedules/{schedule}:pause`]: [
      () => tenant.api.post(`${path}/schedules/${often.name}:pause`),
      () =>
        tenant.api
          .post(`${path}/schedules/${often.name}:pause`)
          .send({ reason: 'described', until: secondsFromNow(3_600) }),
    ],
    [`post ${T}/schedules/{schedule}:resume`]: [
      () => tenant.api.post(`${path}/schedules/${often.name}:resume`),
    ],
    [`post ${T}/schedules/{schedule}:run`]: [
      () => tenant.api.post(`${path}/schedules/${cron.name}:run`),
      () => tenant.api.post(`${path}/schedules/${cron.name}:run`).send({ payload: { a: 2 }, priority: 3 }),
    ],
    [`post ${T}/schedules/{schedule}:skipNext`]: [
      () => tenant.api.post(`${path}/schedules/${once.name}:skipNext`),
    ],
    [`get ${T}/schedules/{schedule}/fires`]: [() => tenant.api.get(`${path}/schedules/${often.name}/fires`)],
    [`get ${T}/schedules/{schedule}:preview`]: [
      () => tenant.api.get(`${path}/schedules/${cron.name}:preview?count=3`),
    ],
    [`post ${T}/schedules:preview`]: [
      () => tenant.api.post(`${path}/schedules:preview`).send({ spec: { everySeconds: 60 } }),
    ],
    [`delete ${T}/schedules/{schedule}`]: [
      () => tenant.api.delete(`${path}/schedules/${often.name}`).set('If-Match', '*'),
    ],
  };
}

function callsOfCalendars(tenant: TestTenant): Calls {
  const { path } = tenant;
  return {
    [`get ${T}/calendars`]: [() => tenant.api.get(`${path}/calendars`)],
    [`put ${T}/calendars/{calendar}`]: [201, 200].map(
      () => () =>
        tenant.api.put(`${path}/calendars/described`).send({ dates: ['--12-25', '2026-12-28/2027-01-03'] }),
    ),
    [`get ${T}/calendars/{calendar}`]: [() => tenant.api.get(`${path}/calendars/described`)],
    [`delete ${T}/calendars/{calendar}`]: [
      () => tenant.api.delete(`${path}/calendars/described`).set('If-Match', '*'),
    ],
  };
}

export function operationCalls({ api, path }: TestTenant, { cron, backfill }: Scene): Calls {
  const span = { from: '2026-01-01T00:00:00Z', to: '2026-01-05T00:00:00Z' };
  const all = { filter: { labels: { none: null } }, expectedCount: 0 };
  return {
    [`post ${T}/schedules/{schedule}:backfill`]: [{}, { dryRun: true }].map(
      (wish) => () => api.post(`${path}/schedules/${cron.name}:backfill`).send({ ...span, ...wish }),
    ),
    [`post ${T}/schedules:pause`]: [{}, { dryRun: true }].map(
      (wish) => () => api.post(`${path}/schedules:pause`).send({ ...all, ...wish }),
    ),
    [`post ${T}/schedules:resume`]: [{}, { catchUp: true }, { dryRun: true }].map(
      (wish) => () => api.post(`${path}/schedules:resume`).send({ ...all, ...wish }),
    ),
    [`get ${T}/operations`]: [() => api.get(`${path}/operations`)],
    [`get ${T}/operations/{operation}`]: [() => api.get(`${path}/operations/${backfill.id}`)],
    [`post ${T}/operations/{operation}:cancel`]: [() => api.post(`${path}/operations/${backfill.id}:cancel`)],
  };
}
