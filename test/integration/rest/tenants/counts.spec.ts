// Of what is kept in the database, how much may one tenant have? So many schedules, job types, keys, workers and paused
// queues, as an administrator says: of many requests at once as many are done as there is room for, the others are told
// which limit they met, and what is kept for its record alone makes room.
import { sql } from 'kysely';
import type { Response } from 'supertest';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SHARES } from '#execution/limits/limits.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { registerWorker } from '../../../support/pull-worker.js';
import { openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import { createKey, createTenant, newName, type TestTenant } from '../../../support/test-tenant.js';

const server = useTestServer();

const ROOM = 3;
const TARGET = { kind: 'handler', handler: 'noop' };
const EACH_MINUTE = { everySeconds: 60 };

async function limited(limits: object): Promise<TestTenant> {
  const tenant = await createTenant(server);
  await server.admin.patch(tenant.path).set('If-Match', '*').send({ limits }).expect(200);
  return tenant;
}

interface Kind {
  limit: keyof typeof DEFAULT_SHARES;
  meaning: string;
  /** What the tenant has from the start. */
  has: number;
  add: (tenant: TestTenant, name: string) => PromiseLike<Response>;
}

const KINDS: Kind[] = [
  {
    limit: 'maxSchedules',
    meaning: 'schedules',
    has: 0,
    add: ({ api, path }, name) =>
      api.post(`${path}/schedules`).send({ name, spec: EACH_MINUTE, jobType: 'noop' }),
  },
  {
    limit: 'maxJobTypes',
    meaning: 'job types',
    has: 0,
    add: ({ api, path }, name) => api.post(`${path}/job-types`).send({ name, target: TARGET }),
  },
  {
    limit: 'maxApiKeys',
    meaning: 'keys',
    has: 1,
    add: ({ api, path }, name) => api.post(`${path}/api-keys`).send({ name }),
  },
  {
    limit: 'maxWorkers',
    meaning: 'workers',
    has: 0,
    add: ({ api, path }, name) =>
      api.post(`${path}/worker/workers:register`).send({ name, jobTypes: [{ name: 'pulled' }] }),
  },
  {
    limit: 'maxPausedQueues',
    meaning: 'queues that are paused',
    has: 0,
    add: ({ api, path }, name) => api.post(`${path}/queues/${name}:pause`),
  },
];

describe.each(KINDS)('$limit', ({ limit, meaning, has, add }) => {
  it('is kept by many requests at once, and keeps no other tenant from anything', async () => {
    const max = has + ROOM;
    const tenant = await limited({ [limit]: max });
    const answers = await Promise.all(Array.from({ length: 12 }, () => add(tenant, newName('one-of-many'))));
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(ROOM);
    for (const answer of answers.filter(({ status }) => status >= 300)) {
      const problem = expectProblem(answer, 'quota-exceeded');
      expect(problem.limit).toEqual({ name: limit, max, current: max });
      expect(problem.detail).toContain(
        `at most ${max} ${meaning} (${limit}), got one more in addition to ${max}`,
      );
      // To wait would change nothing.
      expect(answer.headers).not.toHaveProperty('retry-after');
    }
    expect((await add(await createTenant(server), 'theirs')).status).toBeLessThan(300);
    await server.admin
      .patch(tenant.path)
      .set('If-Match', '*')
      .send({ limits: { [limit]: max + 1 } })
      .expect(200);
    expect((await add(tenant, 'one-more')).status).toBeLessThan(300);
  });

  it('is shown with its default', async () => {
    const tenant = await createTenant(server);
    const { body } = await tenant.api.get(tenant.path).expect(200);
    expect((body as { limits: object }).limits).toMatchObject({ [limit]: DEFAULT_SHARES[limit] });
  });
});

describe('room is made', () => {
  it('by what is deleted', async () => {
    const tenant = await limited({ maxSchedules: 1, maxJobTypes: 1 });
    const { api, path } = tenant;
    const schedule = { name: 'first', spec: EACH_MINUTE, jobType: 'noop' };
    await api.post(`${path}/schedules`).send(schedule).expect(201);
    await api
      .post(`${path}/schedules`)
      .send({ ...schedule, name: 'second' })
      .expect(429);
    await api.delete(`${path}/schedules/first`).set('If-Match', '*').expect(204);
    await api
      .post(`${path}/schedules`)
      .send({ ...schedule, name: 'second' })
      .expect(201);
    await api.post(`${path}/job-types`).send({ name: 'first', target: TARGET }).expect(201);
    await api.post(`${path}/job-types`).send({ name: 'second', target: TARGET }).expect(429);
    await api.delete(`${path}/job-types/first`).set('If-Match', '*').expect(204);
    await api.post(`${path}/job-types`).send({ name: 'second', target: TARGET }).expect(201);
  });

  it('by keys that were revoked, the oldest first, and by none that is good', async () => {
    const tenant = await limited({ maxApiKeys: 3 });
    const { api, path } = tenant;
    const first = await createKey(api, path);
    const second = await createKey(api, path);
    await api.post(`${path}/api-keys`).send({ name: 'third' }).expect(429);
    for (const { id } of [first, second]) await api.post(`${path}/api-keys/${id}:revoke`).expect(204);
    const third = await createKey(api, path);
    const { body } = await api.get(`${path}/api-keys`).expect(200);
    expect((body as { items: { id: string }[] }).items.map(({ id }) => id)).toEqual([
      third.id,
      second.id,
      tenant.keyId,
    ]);
    await server.as(third.key).get(path).expect(200);
  });

  it('by workers that have been silent for two minutes, and by none that was heard since', async () => {
    const tenant = await limited({ maxWorkers: 2 });
    const [silent, heard] = [await registerWorker(tenant), await registerWorker(tenant)];
    const register = () =>
      tenant.api
        .post(`${tenant.path}/worker/workers:register`)
        .send({ name: 'third', jobTypes: [{ name: 'pulled' }] });
    expectProblem(await register(), 'quota-exceeded');
    await sql`update carillon.worker set heartbeat_at = heartbeat_at - interval '3 minutes' where id = ${silent.workerId}`.execute(
      openDatabase(server.databaseUrl),
    );
    await register().expect(200);
    expectProblem(await register(), 'quota-exceeded');
    const beat = (id: string) => tenant.api.post(`${tenant.path}/worker/workers/${id}:heartbeat`);
    await beat(heard.workerId).expect(200);
    await beat(silent.workerId).expect(404);
  });

  it('by queues that were resumed; one that is paused is paused again', async () => {
    const tenant = await limited({ maxPausedQueues: 1 });
    const say = (queue: string, verb: string) => tenant.api.post(`${tenant.path}/queues/${queue}:${verb}`);
    await say('first', 'pause').expect(200);
    await say('first', 'pause').expect(200);
    expectProblem(await say('second', 'pause'), 'quota-exceeded');
    await say('first', 'resume').expect(200);
    await say('second', 'pause').expect(200);
    await say('second', 'resume').expect(200);
    await say('second', 'pause').expect(200);
  });
});

it('a worker brings no more job types than there is room for, or none of them', async () => {
  const tenant = await limited({ maxJobTypes: 2 });
  const register = (...names: string[]) =>
    tenant.api
      .post(`${tenant.path}/worker/workers:register`)
      .send({ name: 'bringer', jobTypes: names.map((name) => ({ name })) });
  await register('a').expect(200);
  expectProblem(await register('a', 'b', 'c'), 'quota-exceeded');
  await tenant.api.get(`${tenant.path}/job-types/b`).expect(404);
  await register('a', 'b').expect(200);
  // What is there already needs no room.
  await register('b', 'a').expect(200);
});
