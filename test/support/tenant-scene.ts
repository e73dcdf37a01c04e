// What can a tenant have? One of each thing that is a tenant's, with its ids, at rest: nothing of it changes by itself
// while a test looks on. The dump tells every row of the schema that has one of these ids in it, in any table.
import { sql } from 'kysely';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { createPulledJobType, readLines, registerWorker } from './pull-worker.js';
import { endedOperation, startedOperation } from './operations.js';
import type { TestServer } from './test-server.js';
import {
  createJobType,
  createKey,
  createRun,
  createSchedule,
  createTenant,
  finish,
  listFires,
  newName,
  secondsFromNow,
  type TestTenant,
} from './test-tenant.js';
import { until } from './until.js';

/** By the names of the description's parameters, and those that only bodies and headers have. */
export interface Ids {
  run: string;
  schedule: string;
  operation: string;
  calendar: string;
  lock: string;
  jobType: string;
  key: string;
  worker: string;
  token: string;
  queue: string;
  secret: string;
  tag: string;
  uniqueKey: string;
  idempotencyKey: string;
  pageToken: string;
}

export interface TenantScene {
  tenant: TestTenant;
  /** The same tenant's, each time with another run and lease. */
  sets: Ids[];
}

const itemIn = z.looseObject({ id: z.uuid() });
const page = z.looseObject({ nextPageToken: z.string() });

export async function setScene(server: TestServer): Promise<TenantScene> {
  const tenant = await createTenant(server);
  const { api, path } = tenant;
  const [queue, tag] = [newName('queue'), newName('tag')];
  const [uniqueKey, idempotencyKey] = [newName('unique'), newName('idempotent')];
  await api.post(`${path}/queues/${queue}:pause`).expect(200);
  const named = {
    queue,
    tag,
    uniqueKey,
    idempotencyKey,
    calendar: await createCalendar(tenant),
    lock: await createLock(tenant),
  };
  const secret = itemIn.parse((await api.post(`${path}/webhook-secrets`).send({}).expect(201)).body).id;
  const { id: key } = await createKey(api, path);
  const { name: failing } = await createJobType(tenant, { target: { kind: 'handler', handler: 'fail' } });
  const failed = await finish(tenant, { jobType: failing, tags: [tag] });
  const scheduled = await createRun(tenant, {
    runAt: secondsFromNow(3_600),
    unique: { key: uniqueKey },
    tags: [tag],
    queue,
  });
  await api
    .post(`${path}/runs`)
    .set('Idempotency-Key', idempotencyKey)
    .send({ jobType: 'noop', runAt: secondsFromNow(3_600) })
    .expect(201);
  const once = await createSchedule(tenant, { spec: { at: secondsFromNow(1) } });
  await until('it has fired', async () =>
    (await listFires(tenant, once.name)).some(({ outcome }) => outcome === 'fired'),
  );
  const operation = await backfillNothing(tenant, once.name);
  const pulled = await createPulledJobType(tenant, { target: { kind: 'pull', leaseSeconds: 3_600 } });
  const worker = await registerWorker(tenant, { jobType: pulled, timeoutSeconds: 3_600 });
  for (let count = 0; count < 2; count += 1) await createRun(tenant, { jobType: pulled });
  const [held, ended] = [await worker.take(), await worker.take()];
  for (const lease of [held, ended]) {
    const line = api.post(`${path}/worker/leases/${lease.token}/logs`).type('application/x-ndjson');
    await line.send('{"message":"mine"}').expect(202);
  }
  await worker.say(ended, 'complete', { output: 1 }).expect(200);
  for (const { run } of [held, ended])
    await until('its line is kept', async () => (await readLines(tenant, run.id)).length > 0);
  const { body } = await api.get(`${path}/runs?pageSize=1`).expect(200);
  const { nextPageToken: pageToken } = page.parse(body);
  const known = { ...named, key, operation, secret, pageToken, worker: worker.workerId };
  return {
    tenant,
    sets: [
      { ...known, run: scheduled.id, schedule: once.name, jobType: failing, token: held.token },
      { ...known, run: failed.id, schedule: once.name, jobType: pulled, token: ended.token },
      { ...known, run: held.run.id, schedule: once.name, jobType: pulled, token: held.token },
    ],
  };
}

/** The id of an operation that has ended. */
async function backfillNothing(tenant: TestTenant, schedule: string): Promise<string> {
  const span = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' };
  const started = await tenant.api.post(`${tenant.path}/schedules/${schedule}:backfill`).send(span);
  return (await endedOperation(tenant, startedOperation(tenant, started))).id;
}

async function createCalendar({ api, path }: TestTenant): Promise<string> {
  const name = newName('calendar');
  await api
    .put(`${path}/calendars/${name}`)
    .send({ dates: ['--12-25'] })
    .expect(201);
  return name;
}

/** A semaphore, of which one holds a permit. */
async function createLock({ api, path }: TestTenant): Promise<string> {
  const name = newName('lock');
  await api.put(`${path}/locks/${name}`).send({ permits: 1 }).expect(201);
  const lasting = { holder: 'theirs', mode: 'permits', leaseSeconds: 3_600 };
  await api.post(`${path}/locks/${name}:acquire`).send(lasting).expect(200);
  return name;
}

/** Every row, as text, that says anything of the tenant, by its table. When a key was used last is noted a while later. */
export async function dumpOf(db: Database, tenant: TestTenant): Promise<Record<string, string[]>> {
  const { rows: found } = await sql<{ id: string }>`
    select t.id::text as id from carillon.tenant t where t.name = ${tenant.name}
    union all select r.id::text from carillon.run r join carillon.tenant t on t.id = r.tenant_id where t.name = ${tenant.name}
    union all select r.id::text from carillon.run_history r join carillon.tenant t on t.id = r.tenant_id where t.name = ${tenant.name}`.execute(
    db,
  );
  const { rows: tables } = await sql<{ name: string }>`
    select relname as name from pg_class
     where relnamespace = 'carillon'::regnamespace and relkind in ('r', 'p') and not relispartition order by relname`.execute(
    db,
  );
  const ids = found.map(({ id }) => id).join('|');
  const dumped: Record<string, string[]> = {};
  for (const { name } of tables) {
    const { rows } = await sql<{ row: string }>`
      select (to_jsonb(t) - 'last_used_at')::text as row from ${sql.table(`carillon.${name}`)} t
       where to_jsonb(t)::text ~ ${ids} order by 1`.execute(db);
    if (rows.length > 0) dumped[name] = rows.map(({ row }) => row);
  }
  return dumped;
}
