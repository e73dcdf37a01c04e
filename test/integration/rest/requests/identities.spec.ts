// Who may do what? Every operation of the description stands here with the identities that it is for and with what it
// answers to them when nothing is sent: no key, a worker's, a tenant's administrator's, another tenant's, a suspended
// tenant's, and the operator's. An operation that stands not here fails, and so does one that answers anything else.
import { randomUUID } from 'node:crypto';
import type TestAgent from 'supertest/lib/agent.js';
import { beforeAll, expect, it } from 'vitest';
import { operationsOf, readDescription, type Operation } from '../../../support/api-description.js';
import { useTestServer } from '../../../support/test-server.js';
import { createKey, createTenant, newName, type TestTenant } from '../../../support/test-tenant.js';

type Access = 'anybody' | 'operator' | 'tenant' | 'worker';

interface Expected {
  for: Access;
  /** To those that it is for, when nothing is sent and no id is one that was given out. */
  answers: number;
  /** What changes something, and is done although the tenant is suspended. */
  whileSuspended?: true;
}

const read = (answers: number): Expected => ({ for: 'tenant', answers });
const change = read;
const end = (answers: number): Expected => ({ for: 'tenant', answers, whileSuspended: true });
const ofWorker = (answers: number): Expected => ({ for: 'worker', answers, whileSuspended: true });
const ofOperator = (answers: number): Expected => ({ for: 'operator', answers, whileSuspended: true });

const T = '/api/v1/tenants/{tenant}';
const C = '/api/v1/cluster';
const EXPECTED: Readonly<Record<string, Expected>> = {
  'get /healthz/live': { for: 'anybody', answers: 200 },
  'get /healthz/ready': { for: 'anybody', answers: 200 },
  'get /api/v1/api-keys': ofOperator(200),
  'post /api/v1/api-keys/{key}:revoke': ofOperator(404),
  [`get ${C}/events`]: ofOperator(200),
  [`get ${C}/leader`]: ofOperator(200),
  [`post ${C}/leader:stepDown`]: ofOperator(200),
  [`get ${C}/replicas`]: ofOperator(200),
  [`post ${C}/replicas/{replica}:drain`]: ofOperator(404),
  [`post ${C}/replicas/{replica}:forget`]: ofOperator(404),
  [`post ${C}/replicas/{replica}:undrain`]: ofOperator(404),
  [`get ${C}/ring`]: ofOperator(200),
  [`get ${C}/ring:lookup`]: ofOperator(422),
  [`get ${C}/ring:simulate`]: ofOperator(422),
  'get /api/v1/tenants': read(200),
  'post /api/v1/tenants': ofOperator(422),
  [`get ${T}`]: read(200),
  [`put ${T}`]: ofOperator(422),
  [`patch ${T}`]: ofOperator(428),
  [`post ${T}:suspend`]: ofOperator(200),
  [`post ${T}:resume`]: ofOperator(200),
  [`get ${T}/api-keys`]: read(200),
  [`post ${T}/api-keys`]: change(422),
  [`post ${T}/api-keys/{key}:revoke`]: end(404),
  [`get ${T}/job-types`]: read(200),
  [`post ${T}/job-types`]: change(422),
  [`get ${T}/job-types/{jobType}`]: read(404),
  [`put ${T}/job-types/{jobType}`]: change(422),
  [`patch ${T}/job-types/{jobType}`]: change(428),
  [`delete ${T}/job-types/{jobType}`]: end(428),
  [`post ${T}/job-types/{jobType}:pause`]: end(404),
  [`post ${T}/job-types/{jobType}:resume`]: change(404),
  [`get ${T}/queues`]: read(200),
  [`get ${T}/queues/{queue}`]: read(200),
  [`post ${T}/queues/{queue}:pause`]: end(200),
  [`post ${T}/queues/{queue}:resume`]: change(200),
  [`get ${T}/runs`]: read(200),
  [`post ${T}/runs`]: change(422),
  [`get ${T}/runs/{run}`]: read(404),
  [`get ${T}/runs/{run}:previousFire`]: read(404),
  [`get ${T}/runs/{run}/logs`]: read(404),
  [`post ${T}/runs/{run}:cancel`]: end(404),
  [`post ${T}/runs/{run}:retry`]: change(404),
  [`post ${T}/runs/{run}:unblock`]: change(404),
  [`get ${T}/blocked-keys`]: read(200),
  [`post ${T}/runs:batchCreate`]: change(422),
  [`post ${T}/runs:cancel`]: end(422),
  [`post ${T}/runs:retry`]: change(422),
  [`get ${T}/calendars`]: read(200),
  [`get ${T}/calendars/{calendar}`]: read(404),
  [`put ${T}/calendars/{calendar}`]: change(422),
  [`delete ${T}/calendars/{calendar}`]: end(428),
  [`get ${T}/locks`]: read(200),
  [`get ${T}/locks/{lock}`]: read(200),
  [`put ${T}/locks/{lock}`]: change(422),
  [`delete ${T}/locks/{lock}`]: end(428),
  [`post ${T}/locks/{lock}:acquire`]: { for: 'worker', answers: 422 },
  [`post ${T}/locks:acquire`]: { for: 'worker', answers: 422 },
  [`post ${T}/locks/{lock}:renew`]: ofWorker(422),
  [`post ${T}/locks/{lock}:release`]: ofWorker(422),
  [`post ${T}/locks/{lock}:forceRelease`]: end(200),
  [`get ${T}/schedules`]: read(200),
  [`post ${T}/schedules`]: change(422),
  [`get ${T}/schedules/{schedule}`]: read(404),
  [`put ${T}/schedules/{schedule}`]: change(422),
  [`patch ${T}/schedules/{schedule}`]: change(428),
  [`delete ${T}/schedules/{schedule}`]: end(428),
  [`post ${T}/schedules/{schedule}:pause`]: end(404),
  [`post ${T}/schedules/{schedule}:resume`]: change(404),
  [`post ${T}/schedules/{schedule}:run`]: change(404),
  [`post ${T}/schedules/{schedule}:skipNext`]: change(404),
  [`get ${T}/schedules/{schedule}/fires`]: read(404),
  [`get ${T}/schedules/{schedule}/revisions`]: read(404),
  [`get ${T}/schedules/{schedule}:audit`]: read(404),
  [`get ${T}/schedules/{schedule}:explain`]: read(422),
  [`get ${T}/schedules/{schedule}:preview`]: read(404),
  [`post ${T}/schedules/{schedule}:backfill`]: change(422),
  [`post ${T}/schedules:preview`]: change(422),
  [`post ${T}/schedules:pause`]: end(422),
  [`post ${T}/schedules:resume`]: change(422),
  [`get ${T}/operations`]: read(200),
  [`get ${T}/operations/{operation}`]: read(404),
  [`post ${T}/operations/{operation}:cancel`]: end(404),
  [`get ${T}/webhook-secrets`]: read(200),
  [`post ${T}/webhook-secrets`]: change(201),
  [`post ${T}/webhook-secrets:rotate`]: change(201),
  [`delete ${T}/webhook-secrets/{secret}`]: end(404),
  [`get ${T}/worker/workers`]: read(200),
  [`post ${T}/worker/workers:register`]: { for: 'worker', answers: 422 },
  [`post ${T}/worker/schedules:define`]: ofWorker(422),
  [`post ${T}/worker/workers/{worker}:deregister`]: ofWorker(404),
  [`post ${T}/worker/workers/{worker}:heartbeat`]: ofWorker(404),
  [`post ${T}/worker/workers/{worker}:quiet`]: end(404),
  [`post ${T}/worker/workers/{worker}:run`]: change(404),
  [`post ${T}/worker/workers/{worker}:terminate`]: end(404),
  [`post ${T}/worker/leases:acquire`]: ofWorker(422),
  [`post ${T}/worker/leases/{token}:cancel`]: ofWorker(409),
  [`post ${T}/worker/leases/{token}:complete`]: ofWorker(409),
  [`post ${T}/worker/leases/{token}:fail`]: ofWorker(422),
  [`post ${T}/worker/leases/{token}:heartbeat`]: ofWorker(409),
  [`post ${T}/worker/leases/{token}:previousFire`]: ofWorker(409),
  [`post ${T}/worker/leases/{token}:release`]: ofWorker(409),
  [`post ${T}/worker/leases/{token}:snooze`]: ofWorker(422),
  [`post ${T}/worker/leases/{token}/logs`]: ofWorker(409),
};

let operations: Operation[];

const server = useTestServer();

beforeAll(async () => {
  operations = operationsOf(await readDescription(server));
});

const nameOf = ({ method, path }: Operation): string => `${method} ${path}`;

/** Nothing but the path, whose ids are of the right form and were never given out. */
async function call(api: TestAgent, { method, path }: Operation, tenant: TestTenant) {
  const at = path
    .replace('{tenant}', tenant.name)
    .replace('{replica}', '999999999')
    .replaceAll(/\{(run|key|worker|secret|operation)\}/g, randomUUID())
    .replaceAll(/\{\w+\}/g, 'nothing');
  const asked = api[method as 'post'](at);
  const { status, body } = await (path.endsWith('/logs') && method === 'post'
    ? asked.type('application/x-ndjson').send('{"message":"nothing"}')
    : asked);
  return {
    status,
    code: (body as { code?: string }).code,
    state: (body as { currentState?: string }).currentState,
  };
}

/** Who is refused before it is looked at what was sent. */
const NO_KEY = { status: 401, code: 'UNAUTHENTICATED' };
const FORBIDDEN = { status: 403, code: 'FORBIDDEN' };
const NO_TENANT = { status: 404, code: 'NOT_FOUND' };
const SUSPENDED = { status: 409, code: 'INVALID_STATE', state: 'suspended' };

function expectedOf(operation: Operation) {
  const {
    for: access,
    answers,
    whileSuspended = false,
  } = EXPECTED[nameOf(operation)] ?? expect.unreachable();
  const done = { status: answers };
  const isTenants = operation.path.startsWith(T);
  const mayTenant = access !== 'operator' ? done : FORBIDDEN;
  const isHeld = isTenants && access !== 'operator' && operation.method !== 'get' && !whileSuspended;
  return {
    'no key': access === 'anybody' ? done : NO_KEY,
    'a worker': access === 'anybody' || access === 'worker' ? done : FORBIDDEN,
    'its administrator': mayTenant,
    "another's administrator": isTenants ? NO_TENANT : mayTenant,
    "a suspended one's administrator": isHeld ? SUSPENDED : mayTenant,
    'the operator': done,
  };
}

it('every operation of the description is expected here, and no other', () => {
  expect(operations.map(nameOf).toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
});

it.each(Object.keys(EXPECTED))('%s', async (name) => {
  const operation = operations.find((candidate) => nameOf(candidate) === name);
  if (operation === undefined) expect.unreachable(`expected ${name} to be described`);
  const [tenant, other, suspended] = await Promise.all([1, 2, 3].map(() => createTenant(server)));
  if (tenant === undefined || other === undefined || suspended === undefined) expect.unreachable();
  const { key } = await createKey(tenant.api, tenant.path, { name: newName('worker'), role: 'worker' });
  await server.admin.post(`${suspended.path}:suspend`).expect(200);
  const answers = {
    'no key': await call(server.anonymous, operation, tenant),
    'a worker': await call(server.as(key), operation, tenant),
    'its administrator': await call(tenant.api, operation, tenant),
    "another's administrator": await call(other.api, operation, tenant),
    "a suspended one's administrator": await call(suspended.api, operation, suspended),
    'the operator': await call(server.admin, operation, tenant),
  };
  expect(answers).toMatchObject(expectedOf(operation));
});
