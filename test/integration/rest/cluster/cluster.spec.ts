// What does the API tell an administrator about the cluster, and what may he do to it? The replicas here live
// in one process and one database; how they take over from each other is shown by the cluster's own tests.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { startTestServer, useTestServer } from '../../../support/test-server.js';
import { finish, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const SLOTS = 1_024;
const leader = z.object({
  term: z.int(),
  replica: z.int(),
  incarnation: z.uuid(),
  electedAt: z.iso.datetime(),
});
const replica = z.looseObject({
  number: z.int(),
  name: z.string(),
  url: z.string(),
  state: z.string(),
  beatAgeMs: z.int(),
  ownedSlots: z.int(),
});
const ring = z.object({
  version: z.int(),
  slotCount: z.int(),
  unowned: z.int(),
  handingOver: z.int(),
  members: z.array(z.object({ replica: z.int(), slots: z.int(), share: z.number() })),
});
const event = z.looseObject({
  seq: z.int(),
  type: z.string(),
  term: z.int().nullable(),
  replica: z.int().nullable(),
});

const server = useTestServer();
const tenant = useTenant(server);

const read = async <Shape extends z.ZodType>(path: string, shape: Shape, of = server) =>
  shape.parse((await of.admin.get(`/api/v1/cluster/${path}`).expect(200)).body);
const readReplicas = async () => (await read('replicas', z.object({ items: z.array(replica) }))).items;
const readEvents = async () => (await read('events?pageSize=200', z.object({ items: z.array(event) }))).items;
const readRing = (of = server) => read('ring', ring, of);
const act = (path: string) => server.admin.post(`/api/v1/cluster/${path}`);

describe('one replica alone', () => {
  it('leads, in a term that is at least the first', async () => {
    const { term, replica: number } = await read('leader', leader);
    expect(term).toBeGreaterThanOrEqual(1);
    expect((await readReplicas()).map((item) => item.number)).toContain(number);
  });

  it('is shown with its address, its roles and a fresh beat', async () => {
    const [self] = await readReplicas();
    expect(self).toMatchObject({
      name: 'under-test',
      url: server.url,
      pid: process.pid,
      state: 'active',
      roles: ['api', 'scheduler', 'worker'],
      weight: 1,
      endedAt: null,
      diedReason: null,
    });
    expect(self?.beatAgeMs).toBeLessThan(60_000);
  });

  it('owns every slot', async () => {
    const { members, ...rest } = await readRing();
    expect(rest).toMatchObject({ slotCount: SLOTS, unowned: 0, handingOver: 0 });
    expect(members).toEqual([{ replica: (await read('leader', leader)).replica, slots: SLOTS, share: 1 }]);
    expect((await readReplicas())[0]?.ownedSlots).toBe(SLOTS);
  });

  it('has written down how it came to that, the newest first', async () => {
    const events = await readEvents();
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['replica-joined', 'term-began', 'slots-moved']),
    );
    expect(events.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq).toSorted((a, b) => b - a));
  });

  it('can be asked where a tenant lives', async () => {
    const { body } = await server.admin.get(tenant.path).expect(200);
    const { slot } = z
      .object({
        slot: z
          .int()
          .min(0)
          .max(SLOTS - 1),
      })
      .parse(body);
    const { replica: owner } = await read('leader', leader);
    const found = await server.admin.get(`/api/v1/cluster/ring:lookup?tenant=${tenant.name}`).expect(200);
    expect(found.body).toMatchObject({
      tenant: tenant.name,
      slot,
      owner,
      ownerName: 'under-test',
      target: null,
    });
    expectProblem(await server.admin.get('/api/v1/cluster/ring:lookup?tenant=nobody'), 'not-found');
    expect(expectFields(await server.admin.get('/api/v1/cluster/ring:lookup'))).toEqual(['?tenant']);
    expect(expectFields(await server.admin.get('/api/v1/cluster/ring:lookup?tenant=%00'))).toEqual([
      '?tenant',
    ]);
  });

  it('tells a replica by its number and its name, wherever it names one', async () => {
    const { number, name } = z
      .object({ items: z.array(z.object({ number: z.int(), name: z.string() })) })
      .parse((await server.admin.get('/api/v1/cluster/replicas').expect(200)).body).items[0] ?? {
      number: 0,
      name: '',
    };
    const told = { replica: number, replicaName: name };
    expect((await server.admin.get('/api/v1/cluster/leader').expect(200)).body).toMatchObject(told);
    expect((await server.admin.get('/api/v1/cluster/ring').expect(200)).body).toMatchObject({
      members: [told],
    });
    const events = await server.admin.get('/api/v1/cluster/events').expect(200);
    expect(events.body).toMatchObject({ items: expect.arrayContaining([expect.objectContaining(told)]) });
    expect(await finish(tenant, { jobType: 'echo' })).toMatchObject(told);
  });

  it('can be asked what would move if another joined or it left, and moves nothing', async () => {
    const before = await readRing();
    const { replica: number } = await read('leader', leader);
    const preview = z.object({
      movedSlots: z.int(),
      members: z.array(z.object({ replicaName: z.string().nullable() })),
    });
    const joined = await read('ring:simulate?with=1', preview);
    expect(joined.members.map(({ replicaName }) => replicaName)).toEqual(['under-test', null]);
    expect(joined.movedSlots).toBeGreaterThan(SLOTS / 2 - 60);
    expect(joined.movedSlots).toBeLessThan(SLOTS / 2 + 60);
    expect((await read(`ring:simulate?without=${number}`, preview)).movedSlots).toBe(SLOTS);
    for (const query of [
      '',
      '?with=0',
      '?with=101',
      '?without=x',
      '?without=999',
      '?with=1&without=1',
      '?more=1',
    ]) {
      expect(
        expectFields(await server.admin.get(`/api/v1/cluster/ring:simulate${query}`)).length,
      ).toBeGreaterThan(0);
    }
    expect(await readRing()).toEqual(before);
  });

  it('keeps working when its term is ended: it begins a later one', async () => {
    const { term } = await read('leader', leader);
    await act('leader:stepDown').expect(200);
    await until('a later term has begun', async () => {
      const { body } = await server.admin.get('/api/v1/cluster/leader').expect(200);
      const now = z.object({ term: z.int(), replica: z.int().nullable() }).parse(body);
      return now.term > term && now.replica !== null;
    });
    expect(await finish(tenant, { jobType: 'echo', payload: 1 })).toMatchObject({ state: 'succeeded' });
  });

  it('that is told to drain is not ready any more, and is taken back', async () => {
    const { replica: number } = await read('leader', leader);
    await act(`replicas/${number}:drain`).expect(200, { number, state: 'draining' });
    await until('it is not ready', async () => (await server.anonymous.get('/healthz/ready')).status === 503);
    await act('replicas/under-test:drain').expect(200, { number, state: 'draining' });
    await act(`replicas/${number}:undrain`).expect(200, { number, state: 'active' });
    await until('it is ready', async () => (await server.anonymous.get('/healthz/ready')).status === 200);
    expect(await finish(tenant, { jobType: 'echo', payload: 1 })).toMatchObject({ state: 'succeeded' });
  });

  it("can't be forgotten while it lives", async () => {
    const { replica: number } = await read('leader', leader);
    expect(expectProblem(await act(`replicas/${number}:forget`), 'invalid-state')).toMatchObject({
      currentState: 'active',
    });
  });

  it.each(['drain', 'undrain', 'forget'])('finds no other replica to %s', async (verb) => {
    expectProblem(await act(`replicas/999999:${verb}`), 'not-found');
    for (const name of ['x', '-1', '1.5', '99999999999']) {
      const answer = await act(`replicas/${name}:${verb}`);
      // An ended replica is known by its number alone: of one name there may be many.
      if (verb === 'forget') expect(expectFields(answer)).toEqual([':replica']);
      else expectProblem(answer, 'not-found');
    }
    expect(expectFields(await act(`replicas/%00:${verb}`))).toEqual([':replica']);
  });
});

describe('a second replica', () => {
  // With time to drain it hands its slots over, so its end moves none; without, the leader gives them away.
  it.each([
    ['10', 'hands them over'],
    ['0', 'just leaves them'],
  ])('takes half of the slots, and with %s s to drain %s and can be forgotten', async (drainSeconds) => {
    const second = await startTestServer({
      databaseUrl: server.databaseUrl,
      env: { CARILLON_NAME: 'second', CARILLON_DRAIN_SECONDS: drainSeconds },
    });
    const number =
      (await readReplicas()).find(({ name, state }) => name === 'second' && state === 'active')?.number ?? 0;
    const slotsOf = ({ members }: z.output<typeof ring>) =>
      members.find((member) => member.replica === number)?.slots ?? 0;
    const shared = await until('the slots are shared', async () => {
      const now = await readRing();
      return now.handingOver === 0 && slotsOf(now) > 0 && now;
    });
    expect(slotsOf(shared)).toBeGreaterThan(SLOTS * 0.44);
    expect(slotsOf(shared)).toBeLessThan(SLOTS * 0.56);
    expect(shared.members.reduce((sum, { slots }) => sum + slots, 0)).toBe(SLOTS);
    const { createdAt: _, ...seen } = z.looseObject({}).parse(await read('ring', z.looseObject({}), second));
    expect(seen).toMatchObject(shared);

    await second.stop();
    await until('the first has every slot', async () => (await readRing()).members.length === 1);
    expect(await readRing()).toMatchObject({ unowned: 0, members: [{ slots: SLOTS }] });
    expect((await readReplicas()).find((item) => item.number === number)).toMatchObject({
      state: 'left',
      ownedSlots: 0,
    });
    expectProblem(await act(`replicas/${number}:drain`), 'invalid-state');
    expectProblem(await act('replicas/second:drain'), 'not-found');
    await act(`replicas/${number}:forget`).expect(204);
    expect((await readReplicas()).map((item) => item.number)).not.toContain(number);
    expectProblem(await act(`replicas/${number}:forget`), 'not-found');
    const events = (await readEvents()).filter((item) => item.replica === number).map(({ type }) => type);
    expect(events).toEqual(expect.arrayContaining(['replica-joined', 'replica-draining', 'replica-left']));
  });

  it('that only answers questions owns no slot and does not lead', async () => {
    const second = await startTestServer({
      databaseUrl: server.databaseUrl,
      env: { CARILLON_NAME: 'api-only', CARILLON_ROLES: 'api' },
    });
    const self = (await readReplicas()).find(({ name, state }) => name === 'api-only' && state === 'active');
    expect(self).toMatchObject({ roles: ['api'], ownedSlots: 0 });
    expect((await readRing(second)).members.map((member) => member.replica)).not.toContain(self?.number);
    expect((await read('leader', leader, second)).replica).not.toBe(self?.number);
    await second.stop();
  });
});

it('a replica without the role api answers about its health alone', async () => {
  const env = { CARILLON_ROLES: 'worker,scheduler' };
  const worker = await startTestServer({ databaseUrl: server.databaseUrl, env, api: false });
  await worker.anonymous.get('/healthz/ready').expect(200);
  for (const path of ['/api/v1/tenants', '/api/v1/cluster/ring'])
    expectProblem(await worker.admin.get(path), 'not-found');
  await worker.stop();
});
