// What does a REST test need of a tenant? A key of its own, and builders that ask for the usual thing unless
// a test says what matters to it. Answers are parsed with the API's own shapes, so what comes back is typed.
import { randomUUID } from 'node:crypto';
import type TestAgent from 'supertest/lib/agent.js';
import { beforeAll, beforeEach } from 'vitest';
import { z } from 'zod';
import { jobType } from '#server/http/job-types/job-type.shapes.js';
import { run } from '#server/http/runs/run.shapes.js';
import { fire, schedule } from '#server/http/schedules/schedule.shapes.js';
import { standInFor } from './stand-in.js';
import type { TestServer } from './test-server.js';

export type Run = z.output<typeof run>;
export type Schedule = z.output<typeof schedule>;
export type Fire = z.output<typeof fire>;
export type JobType = z.output<typeof jobType>;

export interface TestTenant {
  readonly name: string;
  readonly keyId: string;
  readonly key: string;
  /** `/api/v1/tenants/<name>` */
  readonly path: string;
  /** Speaks with the tenant's key. */
  readonly api: TestAgent;
}

export const newName = (prefix: string): string => `${prefix}-${randomUUID().slice(0, 8)}`;

/** One for the whole file (or describe), or a new one for each test. */
export function useTenant(
  server: Pick<TestServer, 'admin' | 'as'>,
  { per = 'file' }: { per?: 'test' | 'file' } = {},
): TestTenant {
  const { handle, become } = standInFor<TestTenant>('the tenant');
  (per === 'file' ? beforeAll : beforeEach)(async () => become(await createTenant(server)));
  return handle;
}

/** Its job types may name any handler. */
export async function createTenant(
  server: Pick<TestServer, 'admin' | 'as'>,
  name = newName('tenant'),
): Promise<TestTenant> {
  await server.admin
    .post('/api/v1/tenants')
    .send({ name, allowedHandlers: ['*'] })
    .expect(201);
  const path = `/api/v1/tenants/${name}`;
  const { id: keyId, key } = await createKey(server.admin, path);
  return { name, keyId, key, path, api: server.as(key) };
}

const newKey = z.object({ id: z.uuid(), key: z.string() });

export async function createKey(
  api: TestAgent,
  path: string,
  wish: { name?: string; role?: 'tenant-admin' | 'worker' } = {},
): Promise<z.output<typeof newKey>> {
  const { body } = await api
    .post(`${path}/api-keys`)
    .send({ name: 'test', ...wish })
    .expect(201);
  return newKey.parse(body);
}

export async function createRun({ api, path }: TestTenant, wish: object = {}): Promise<Run> {
  const { body } = await api
    .post(`${path}/runs`)
    .send({ jobType: 'noop', ...wish })
    .expect(201);
  return run.parse(body);
}

export async function readRun({ api, path }: TestTenant, id: string): Promise<Run> {
  return run.parse((await api.get(`${path}/runs/${id}`).expect(200)).body);
}

const WAITS_MAX = 10;

/** Waits until the run has ended, `seconds` with each request. */
export async function finishedRun(
  { api, path }: TestTenant,
  { id }: { id: string },
  seconds = 20,
): Promise<Run> {
  const look = async (): Promise<Run> =>
    run.parse((await api.get(`${path}/runs/${id}?wait=${seconds}`).expect(200)).body);
  let latest = await look();
  for (let looks = 1; latest.finishedAt === null && looks < WAITS_MAX; looks += 1) latest = await look();
  if (latest.finishedAt !== null) return latest;
  throw new Error(`expected run ${id} to end within ${WAITS_MAX * seconds} s, got ${JSON.stringify(latest)}`);
}

/** Creates a run and waits until it has ended. */
export async function finish(tenant: TestTenant, wish: object = {}): Promise<Run> {
  return finishedRun(tenant, await createRun(tenant, wish));
}

export async function listRuns({ api, path }: TestTenant, query = ''): Promise<Run[]> {
  return z.object({ items: z.array(run) }).parse((await api.get(`${path}/runs${query}`).expect(200)).body)
    .items;
}

/** Due once an hour, unless the test says otherwise. */
export async function createSchedule(tenant: TestTenant, wish: object = {}): Promise<Schedule> {
  const answer = await postSchedule(tenant, { spec: { everySeconds: 3_600 }, ...wish }).expect(201);
  return schedule.parse(answer.body);
}

export function postSchedule({ api, path }: TestTenant, wish: object) {
  return api.post(`${path}/schedules`).send({ name: newName('schedule'), jobType: 'noop', ...wish });
}

export async function readSchedule({ api, path }: TestTenant, name: string): Promise<Schedule> {
  return schedule.parse((await api.get(`${path}/schedules/${name}`).expect(200)).body);
}

/** At any revision, if not told which. */
export function patchSchedule(
  { api, path }: TestTenant,
  { name }: Pick<Schedule, 'name'>,
  body: object,
  ifMatch = '*',
) {
  return api.patch(`${path}/schedules/${name}`).set('If-Match', ifMatch).send(body);
}

/** Newest due time first. */
export async function listFires({ api, path }: TestTenant, name: string, query = ''): Promise<Fire[]> {
  const { body } = await api.get(`${path}/schedules/${name}/fires${query}`).expect(200);
  return z.object({ items: z.array(fire) }).parse(body).items;
}

/** Calls the handler of the same name, and is not retried. */
export async function createJobType({ api, path }: TestTenant, wish: object = {}): Promise<JobType> {
  const body = {
    name: newName('job'),
    target: { kind: 'handler', handler: 'noop' },
    retry: { maxAttempts: 1 },
    ...wish,
  };
  return jobType.parse((await api.post(`${path}/job-types`).send(body).expect(201)).body);
}

export const secondsFromNow = (seconds: number): string =>
  new Date(Date.now() + seconds * 1_000).toISOString();
