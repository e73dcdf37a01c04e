// Do the runs of a schedule with a jitter start later than they are due, always by the same part of it, and is all about
// their lateness counted from there?
import { describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  createTenant,
  listFires,
  newName,
  patchSchedule,
  readRun,
  readSchedule,
  secondsFromNow,
  useTenant,
  type Fire,
  type Schedule,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const putOffMs = ({ dueAt, startsAt }: { dueAt: unknown; startsAt: unknown }): number =>
  Date.parse(String(startsAt)) - Date.parse(String(dueAt));
const preview = async (name: string) =>
  (await tenant.api.get(`${tenant.path}/schedules/${name}:preview`).expect(200)).body as {
    dueTimes: { dueAt: string; startsAt: string | null }[];
  };
/** By how much the runs of a schedule start later, which only its id decides. */
const jitterOf = async ({ name }: Pick<Schedule, 'name'>): Promise<number> => {
  const [first] = (await preview(name)).dueTimes;
  return first === undefined ? Number.NaN : putOffMs(first);
};
const someFire = (of: TestTenant, name: string, isWanted: (fire: Fire) => boolean) =>
  until('there is such a due time', async () => (await listFires(of, name)).find(isWanted));

/** Due in a second, and to start at least ten seconds later. */
async function dueButFarOff(of: TestTenant): Promise<Schedule & { runId: string }> {
  for (;;) {
    const spec = { at: secondsFromNow(1) };
    const schedule = await createSchedule(of, { spec, jitterSeconds: 86_400 });
    const [planned] = await until('it is planned', async () => {
      const fires = await listFires(of, schedule.name);
      return fires.length > 0 && fires;
    });
    if (planned === undefined || putOffMs({ ...planned }) < 3_600_000) continue;
    await until('it was due', () => Promise.resolve(Date.now() > +new Date(planned.dueAt) + 50));
    return { ...schedule, runId: planned.runId ?? '' };
  }
}

describe('a schedule with a jitter', () => {
  it('starts each run by the same distance later, and counts its lateness from then on', async () => {
    const make = async (): Promise<Schedule> => {
      const made = await createSchedule(tenant, { spec: { everySeconds: 1 }, jitterSeconds: 4 });
      return (await jitterOf(made)) > 1_500 ? made : make();
    };
    const schedule = await make();
    const ms = await jitterOf(schedule);
    expect(ms).toBeLessThan(4_000);
    // Each would be late, were it counted from when it was due.
    const fired = await someFire(tenant, schedule.name, ({ outcome }) => outcome === 'fired');
    expect(putOffMs({ ...fired })).toBe(ms);
    const lateness = +new Date(fired.startedAt ?? 0) - +new Date(fired.startsAt);
    expect(lateness).toBeGreaterThanOrEqual(0);
    expect(fired.latenessMs).toBe(lateness);
    const run = await readRun(tenant, fired.runId ?? '');
    expect(putOffMs({ dueAt: run.dueAt, startsAt: run.runAt })).toBe(ms);
    expect(+new Date(run.dueAt ?? 0)).toBe(+new Date(fired.dueAt));
    const fires = await listFires(tenant, schedule.name);
    expect(new Set(fires.map((fire) => putOffMs({ ...fire })))).toEqual(new Set([ms]));
  });

  it('has its deadline counted from its start', async () => {
    const schedule = await createSchedule(tenant, {
      spec: { at: secondsFromNow(2) },
      jitterSeconds: 86_400,
      deadlineSeconds: 60,
    });
    const ms = await jitterOf(schedule);
    const fire = await someFire(tenant, schedule.name, () => true);
    const run = await readRun(tenant, fire.runId ?? '');
    expect(putOffMs({ dueAt: run.dueAt, startsAt: run.deadline })).toBe(ms + 60_000);
  });

  it('is planned anew by another jitter, and shows it', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 }, jitterSeconds: 3_600 });
    expect(schedule).toMatchObject({ jitterSeconds: 3_600 });
    const planned = await someFire(tenant, schedule.name, () => true);
    const ms = await jitterOf(schedule);
    expect(putOffMs({ ...planned })).toBe(ms);
    const { body } = await patchSchedule(tenant, schedule, { jitterSeconds: 7_200 }).expect(200);
    expect(body).toMatchObject({ jitterSeconds: 7_200 });
    const twice = await jitterOf(schedule);
    expect(Math.abs(twice - 2 * ms)).toBeLessThanOrEqual(1);
    await someFire(tenant, schedule.name, (fire) => putOffMs({ ...fire }) === twice);
    for (const none of [0, null]) {
      const { body: without } = await patchSchedule(tenant, schedule, { jitterSeconds: none }).expect(200);
      expect(without).toMatchObject({ jitterSeconds: null });
    }
    await someFire(tenant, schedule.name, (fire) => putOffMs({ ...fire }) === 0);
  });

  it('is applied by PUT, and the same again changes nothing', async () => {
    const path = `${tenant.path}/schedules/${newName('jittered')}`;
    const body = { spec: { cron: '@daily' }, jobType: 'noop', jitterSeconds: 300 };
    const { body: made } = await tenant.api.put(path).send(body).expect(201);
    const { body: again } = await tenant.api.put(path).send(body).expect(200);
    expect(again).toEqual(made);
    const { body: without } = await tenant.api
      .put(path)
      .send({ ...body, jitterSeconds: 0 })
      .expect(200);
    expect(without).toMatchObject({ jitterSeconds: null, revision: 2 });
  });

  it('says in a preview of a draft that only its id will decide it', async () => {
    const ask = (wish: object) =>
      tenant.api
        .post(`${tenant.path}/schedules:preview`)
        .send({ spec: { cron: '@daily' }, count: 1, ...wish });
    expect((await ask({ jitterSeconds: 60 }).expect(200)).body).toMatchObject({
      dueTimes: [{ startsAt: null }],
    });
    const [plain] = (await ask({}).expect(200)).body.dueTimes as { dueAt: string; startsAt: string }[];
    expect(plain?.startsAt).toBe(plain?.dueAt);
  });
});

describe('what was due, but has not started', () => {
  it('stays through a pause and other changes, and is missed once there is another spec', async () => {
    const { name, runId } = await dueButFarOff(tenant);
    await patchSchedule(tenant, { name }, { priority: 7, jitterSeconds: 0 }).expect(200);
    const [kept] = await listFires(tenant, name);
    expect(kept).toMatchObject({ outcome: 'planned', runId });
    expect(await readRun(tenant, runId)).toMatchObject({ state: 'scheduled', priority: 0 });
    const explained = await tenant.api
      .get(`${tenant.path}/schedules/${name}:explain`)
      .query({ at: new Date(kept?.dueAt ?? 0).toISOString() })
      .expect(200);
    expect(explained.body).toMatchObject({
      text: expect.stringMatching(/its run starts at .* ms after it is due/) as string,
    });
    await patchSchedule(tenant, { name }, { spec: { everySeconds: 3_600 } }).expect(200);
    const missed = await someFire(tenant, name, ({ outcome }) => outcome === 'missed');
    expect(missed).toMatchObject({ reason: 'schedule changed' });
    await tenant.api.get(`${tenant.path}/runs/${runId}`).expect(404);
  });

  it('stays through a pause of a schedule that goes on', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 }, jitterSeconds: 86_400 });
    const dueOne = await someFire(tenant, schedule.name, ({ dueAt }) => +new Date(dueAt) < Date.now() - 100);
    await tenant.api.post(`${tenant.path}/schedules/${schedule.name}:pause`).expect(200);
    await someFire(tenant, schedule.name, ({ outcome }) => outcome === 'skipped');
    const fires = await listFires(tenant, schedule.name);
    expect(fires.find(({ dueAt }) => +new Date(dueAt) === +new Date(dueOne.dueAt))).toMatchObject({
      outcome: 'planned',
      runId: dueOne.runId,
    });
    expect((await readSchedule(tenant, schedule.name)).state).toBe('paused');
  });

  it('is missed once its schedule is deleted', async () => {
    const { name, id, runId } = await dueButFarOff(tenant);
    await tenant.api.delete(`${tenant.path}/schedules/${name}`).set('If-Match', '*').expect(204);
    // Until that is decided, the ledger of the deleted schedule is empty.
    const fires = `${tenant.path}/schedules/${id}/fires`;
    await until('it is decided', async () => (await tenant.api.get(fires)).status === 200);
    expect(await listFires(tenant, id)).toMatchObject([{ outcome: 'missed', reason: 'schedule deleted' }]);
    await tenant.api.get(`${tenant.path}/runs/${runId}`).expect(404);
  });

  it('waits for the end of a suspension that began later', async () => {
    const other = await createTenant(server);
    const { name, runId } = await dueButFarOff(other);
    const change = (verb: string) => server.admin.post(`/api/v1/tenants/${other.name}:${verb}`);
    await change('suspend').expect(200);
    await change('resume').expect(200);
    expect(await listFires(other, name)).toMatchObject([{ outcome: 'planned', runId }]);
  });
});

it.each([-1, 1.5, 86_401, '60', true])('refuses a jitter of %j', async (jitterSeconds) => {
  const body = { name: newName('refused'), spec: { everySeconds: 60 }, jobType: 'noop', jitterSeconds };
  const refused = await tenant.api.post(`${tenant.path}/schedules`).send(body);
  expect(expectFields(refused)).toEqual(['/jitterSeconds']);
});
