// What does a tenant's key learn or change with another tenant's ids (I10)? Every operation of the description is asked
// with each id that it takes, in the path, the query, a header or the body, once with the other tenant's and once with
// one that was never given out: the answers are the same, and not a row of the other tenant's has changed.
import { randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { beforeAll, describe, expect, it } from 'vitest';
import { LeaseTokens } from '#execution/leases/lease-token.js';
import { asId } from '#kernel/ids.js';
import { operationsOf, readDescription, type Operation } from '../../../support/api-description.js';
import { registerWorker } from '../../../support/pull-worker.js';
import { openDatabase } from '../../../support/rows.js';
import { dumpOf, setScene, type Ids, type TenantScene } from '../../../support/tenant-scene.js';
import { useTestServer } from '../../../support/test-server.js';
import { createTenant, newName, secondsFromNow, type TestTenant } from '../../../support/test-tenant.js';

const TENANT = '/api/v1/tenants/{tenant}';

let operations: Operation[];
let theirs: TenantScene;

const server = useTestServer();

beforeAll(async () => {
  operations = operationsOf(await readDescription(server)).filter(({ path }) => path.startsWith(TENANT));
  theirs = await setScene(server);
});

/** Ids as they are given out, of which none was. */
function unheardOf(): Ids {
  return {
    run: randomUUID(),
    key: randomUUID(),
    worker: randomUUID(),
    secret: randomUUID(),
    token: server.running.app.get(LeaseTokens).tokenOf(asId.lease(randomUUID())),
    schedule: newName('schedule'),
    operation: randomUUID(),
    calendar: newName('calendar'),
    lock: newName('lock'),
    jobType: newName('job'),
    queue: newName('queue'),
    tag: newName('tag'),
    uniqueKey: newName('unique'),
    idempotencyKey: newName('idempotent'),
    pageToken: 'bm90aGluZw.bm90aGluZw',
  };
}

interface ForeignRequest {
  query?: string;
  headers?: Record<string, string>;
  body?: object | string;
}

/** Beside the ids in its path, which ids can an operation be sent? */
type ForeignRequests = (ids: Ids, mine: TestTenant) => ForeignRequest[] | Promise<ForeignRequest[]>;

const NONE: ForeignRequests = () => [{}];
const anyBody =
  (...bodies: object[]): ForeignRequests =>
  () =>
    bodies.map((body) => ({ body }));
const bulk: ForeignRequests = ({ schedule, jobType, queue, tag }) =>
  [{ schedule }, { jobType }, { queue }, { tag }].map((filter) => ({ body: { filter } }));
const listed: ForeignRequests = ({ pageToken }) => [{}, { query: `pageToken=${pageToken}` }];
const EACH_YEAR = { everySeconds: 31_536_000 };
const LATER = secondsFromNow(3_600);
const TARGET = { kind: 'handler', handler: 'noop' };

const WISHES: Readonly<Record<string, ForeignRequests>> = {
  'get ': NONE,
  'put ': anyBody({ weight: 2 }),
  'patch ': anyBody({ weight: 2 }),
  'post :suspend': NONE,
  'post :resume': NONE,
  'get /api-keys': listed,
  'post /api-keys': anyBody({ name: 'mine' }),
  'post /api-keys/{key}:revoke': NONE,
  'get /job-types': listed,
  'post /job-types': ({ jobType: name }) => [{ body: { name, target: TARGET } }],
  'get /job-types/{jobType}': NONE,
  'put /job-types/{jobType}': anyBody({ target: TARGET }),
  'patch /job-types/{jobType}': anyBody({ timeoutSeconds: 1 }, { target: TARGET }),
  'delete /job-types/{jobType}': NONE,
  'post /job-types/{jobType}:pause': anyBody({ reason: 'mine' }),
  'post /job-types/{jobType}:resume': NONE,
  'get /queues': listed,
  'get /queues/{queue}': NONE,
  'post /queues/{queue}:pause': NONE,
  'post /queues/{queue}:resume': NONE,
  'get /runs': (ids) => [
    ...['schedule', 'jobType', 'queue', 'tag', 'pageToken'].map((name) => ({
      query: `${name}=${ids[name as keyof Ids]}`,
    })),
    {},
  ],
  'post /runs': ({ jobType, uniqueKey: key, idempotencyKey, queue }) => [
    { body: { jobType } },
    { body: { jobType: 'noop', runAt: LATER, queue } },
    ...['return', 'reject', 'replace'].map((onConflict) => ({
      body: { jobType: 'noop', runAt: LATER, unique: { key, onConflict } },
    })),
    { headers: { 'idempotency-key': idempotencyKey }, body: { jobType: 'noop', runAt: LATER } },
  ],
  'post /runs:batchCreate': ({ jobType, uniqueKey: key, idempotencyKey }) => [
    { body: { runs: [{ jobType }] } },
    { body: { runs: [{ jobType: 'noop', runAt: LATER, unique: { key, onConflict: 'replace' } }] } },
    {
      headers: { 'idempotency-key': idempotencyKey },
      body: { runs: [{ jobType: 'noop', runAt: LATER }] },
    },
  ],
  'post /runs:cancel': bulk,
  'post /runs:retry': bulk,
  'get /runs/{run}': () => [{}, { query: 'wait=1' }],
  'get /runs/{run}/logs': () => [{}, { headers: { accept: 'text/event-stream' } }],
  'get /runs/{run}:previousFire': NONE,
  'post /runs/{run}:cancel': NONE,
  'post /runs/{run}:retry': NONE,
  'post /runs/{run}:unblock': NONE,
  'get /blocked-keys': listed,
  'get /calendars': listed,
  'get /calendars/{calendar}': NONE,
  'put /calendars/{calendar}': anyBody({ dates: ['2031-01-01'] }),
  'delete /calendars/{calendar}': NONE,
  'get /locks': listed,
  'get /locks/{lock}': NONE,
  'put /locks/{lock}': anyBody({ permits: 2 }),
  'delete /locks/{lock}': NONE,
  'post /locks/{lock}:acquire': anyBody({ holder: 'mine' }, { holder: 'mine', mode: 'permits' }),
  'post /locks:acquire': ({ lock: name }) => [
    { body: { holder: 'mine', locks: [{ name, mode: 'shared' }] } },
  ],
  'post /locks/{lock}:renew': anyBody({ token: 1 }),
  'post /locks/{lock}:release': anyBody({ token: 1 }),
  'post /locks/{lock}:forceRelease': anyBody({}),
  'get /schedules': listed,
  'post /schedules': ({ schedule: name, jobType, calendar, idempotencyKey }) => [
    { body: { name, spec: EACH_YEAR, jobType: 'noop' } },
    { body: { name, spec: EACH_YEAR, jobType } },
    { body: { name, spec: EACH_YEAR, jobType: 'noop', calendars: { exclude: [calendar] } } },
    {
      headers: { 'idempotency-key': idempotencyKey },
      body: { name: 'mine', spec: EACH_YEAR, jobType: 'noop' },
    },
  ],
  'get /schedules/{schedule}': NONE,
  'put /schedules/{schedule}': anyBody({ spec: EACH_YEAR, jobType: 'noop' }),
  'patch /schedules/{schedule}': anyBody({ payload: { mine: true } }),
  'delete /schedules/{schedule}': NONE,
  'post /schedules/{schedule}:pause': NONE,
  'post /schedules/{schedule}:resume': NONE,
  'post /schedules/{schedule}:run': NONE,
  'post /schedules/{schedule}:skipNext': NONE,
  'get /schedules/{schedule}/fires': listed,
  'get /schedules/{schedule}/revisions': listed,
  'get /schedules/{schedule}:audit': NONE,
  'get /schedules/{schedule}:explain': NONE,
  'get /schedules/{schedule}:preview': NONE,
  'post /schedules/{schedule}:backfill': anyBody({
    from: '2026-01-01T00:00:00Z',
    to: '2026-01-02T00:00:00Z',
  }),
  'post /schedules:preview': NONE,
  'post /schedules:pause': anyBody({ filter: {}, expectedCount: 0 }),
  'post /schedules:resume': anyBody({ filter: {}, expectedCount: 0 }),
  'get /operations': listed,
  'get /operations/{operation}': NONE,
  'post /operations/{operation}:cancel': NONE,
  'get /webhook-secrets': NONE,
  'post /webhook-secrets': anyBody({}),
  'post /webhook-secrets:rotate': anyBody({ overlapSeconds: 0 }),
  'delete /webhook-secrets/{secret}': NONE,
  'get /worker/workers': listed,
  'post /worker/workers:register': ({ jobType }) => [
    { body: { name: 'mine', jobTypes: [{ name: jobType }] } },
  ],
  'post /worker/schedules:define': ({ jobType }) => [
    { body: { jobTypes: [{ name: jobType, schedules: [] }] } },
  ],
  'post /worker/workers/{worker}:heartbeat': NONE,
  'post /worker/workers/{worker}:deregister': NONE,
  'post /worker/workers/{worker}:run': NONE,
  'post /worker/workers/{worker}:quiet': NONE,
  'post /worker/workers/{worker}:terminate': NONE,
  'post /worker/leases:acquire': async ({ worker, jobType }, mine) => {
    const own = await registerWorker(mine);
    const requestId = 'mine';
    return [
      { body: { workerId: worker, jobTypes: [jobType], requestId } },
      { body: { workerId: own.workerId, jobTypes: [jobType], requestId } },
    ];
  },
  'post /worker/leases/{token}:heartbeat': anyBody({ progress: { fraction: 1 } }),
  'post /worker/leases/{token}:complete': anyBody({ output: 'mine' }),
  'post /worker/leases/{token}:fail': anyBody({ error: { message: 'mine' } }),
  'post /worker/leases/{token}:snooze': anyBody({ seconds: 1 }),
  'post /worker/leases/{token}:release': anyBody({}),
  'post /worker/leases/{token}:cancel': anyBody({}),
  'post /worker/leases/{token}:previousFire': anyBody({}),
  'post /worker/leases/{token}/logs': () => [
    { headers: { 'content-type': 'application/x-ndjson' }, body: '{"message":"mine"}' },
  ],
};

const nameOf = ({ method, path }: Operation): string => `${method} ${path.slice(TENANT.length)}`;

interface Told {
  status: number;
  said: string;
}

/** The answers that a new tenant gets with these ids, without what differs between any two requests. */
async function ask(operation: Operation, ids: Ids): Promise<Told[]> {
  const told: Told[] = [];
  const wishes = WISHES[nameOf(operation)] ?? expect.unreachable(`${nameOf(operation)} is not known here`);
  for (let place = 0; ; place += 1) {
    // Each on a tenant of its own, so that none finds what the one before has done.
    const mine = await createTenant(server);
    const wish = (await wishes(ids, mine))[place];
    if (wish === undefined) return told;
    told.push(shown(await send(operation, { wish, ids, mine }), { ids, mine }));
  }
}

async function send(
  { method, path }: Operation,
  { wish, ids, mine }: { wish: ForeignRequest; ids: Ids; mine: TestTenant },
): Promise<Response> {
  const { query, headers = {}, body } = wish;
  const at = path.replace('{tenant}', mine.name).replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const id = (ids as unknown as Record<string, string | undefined>)[name];
    return id ?? expect.unreachable(`expected an id for {${name}} of ${method} ${path}`);
  });
  const asked = mine.api[method as 'post'](query === undefined ? at : `${at}?${query}`);
  return asked.set({ 'if-match': '*', ...headers }).send(body);
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const INSTANT = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;

function shown({ status, text }: Response, { ids, mine }: { ids: Ids; mine: TestTenant }): Told {
  let said = text.replaceAll(mine.name, '(tenant)');
  for (const [name, id] of Object.entries(ids) as [string, string][]) said = said.replaceAll(id, `(${name})`);
  said = said.replaceAll(UUID, '(uuid)').replaceAll(INSTANT, '(instant)');
  // Tokens are of one sequence, so that they grow even over a lock's deletion.
  said = said.replaceAll(/"token":\d+/g, '"token":(token)');
  said = said
    .replaceAll(/(sk_\(tenant\)_|whsec_)[\w+/=-]+/g, '(secret)')
    .replaceAll(/"slot":\d+/g, '"slot":0');
  return { status, said };
}

describe("another tenant's ids", () => {
  it('are tried at every operation of the description, and at no other', () => {
    expect(operations.map(nameOf).toSorted()).toEqual(Object.keys(WISHES).toSorted());
  });

  it('stand in rows of all kinds, which the dump tells', async () => {
    const dump = await dumpOf(openDatabase(server.databaseUrl), theirs.tenant);
    expect(Object.keys(dump)).toEqual(
      expect.arrayContaining(
        'api_key calendar fire idempotency_key job_type lease queue run run_history run_log schedule tenant unique_key webhook_secret worker'.split(
          ' ',
        ),
      ) as unknown,
    );
  });

  it.each(Object.keys(WISHES))('are as good as none at: %s', async (name) => {
    const operation = operations.find((candidate) => nameOf(candidate) === name);
    if (operation === undefined) expect.unreachable(`expected ${name} to be described`);
    const db = openDatabase(server.databaseUrl);
    const before = await dumpOf(db, theirs.tenant);
    const nothing = await ask(operation, unheardOf());
    expect(nothing.length).toBeGreaterThan(0);
    for (const ids of theirs.sets) expect(await ask(operation, ids)).toEqual(nothing);
    expect(await dumpOf(db, theirs.tenant)).toEqual(before);
    // No 5xx is an answer, and what the other tenant has is told nowhere.
    for (const { status } of nothing) expect(status).toBeLessThan(500);
  });

  it("open nothing by an administrator's route for administrators' keys", async () => {
    const db = openDatabase(server.databaseUrl);
    const before = await dumpOf(db, theirs.tenant);
    for (const { key } of theirs.sets) {
      await server.admin.post(`/api/v1/api-keys/${key}:revoke`).expect(404);
      await (await createTenant(server)).api.post(`/api/v1/api-keys/${key}:revoke`).expect(403);
    }
    expect(await dumpOf(db, theirs.tenant)).toEqual(before);
  });
});
