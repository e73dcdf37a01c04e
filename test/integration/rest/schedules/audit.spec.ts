// Does the API prove that no due time of a schedule was lost, doubled or invented, also where the schedule was changed in
// between, and does it find one that was?
import { describe, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  createTenant,
  listFires,
  secondsFromNow,
  useTenant,
  type Fire,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

interface Audit {
  isClean: boolean;
  isComplete: boolean;
  auditedFrom: string;
  outcomes: Record<string, number>;
  lost: { count: number; dueTimes: string[] };
  text: string;
}

const path = ({ name }: Pick<Schedule, 'name'>): string => `${tenant.path}/schedules/${name}`;
const auditOf = async (name: string, query: object = {}): Promise<Audit> =>
  (
    await tenant.api
      .get(`${path({ name })}:audit`)
      .query(query)
      .expect(200)
  ).body as Audit;
const started = ({ outcome }: Fire): boolean => outcome === 'fired' || outcome === 'late';
const haveStarted = (name: string, count: number) =>
  until(`${count} have started`, async () => {
    const fires = (await listFires(tenant, name)).filter(started);
    return fires.length >= count && fires;
  });
const CLEAN = { isClean: true, isComplete: true };
const CHANGES: Record<string, (schedule: Schedule) => PromiseLike<unknown>> = {
  'another spec': (schedule) =>
    tenant.api
      .patch(path(schedule))
      .set('If-Match', '*')
      .send({ spec: { cron: '*/2 * * * * *' } })
      .expect(200),
  'another payload': (schedule) =>
    tenant.api
      .patch(path(schedule))
      .set('If-Match', '*')
      .send({ payload: { a: 1 } })
      .expect(200),
  'a pause and its end': async (schedule) => {
    await tenant.api.post(`${path(schedule)}:pause`).expect(200);
    await until('one is skipped', async () =>
      (await listFires(tenant, schedule.name)).some(({ outcome }) => outcome === 'skipped'),
    );
    await tenant.api.post(`${path(schedule)}:resume`).expect(200);
  },
  'a skip': (schedule) =>
    tenant.api
      .post(`${path(schedule)}:skipNext`)
      .send({ count: 12 })
      .expect(200),
};

describe('an audit', () => {
  it.each(Object.entries(CHANGES))('is clean after %s', async (_, change) => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    const before = await haveStarted(schedule.name, 1);
    await change(schedule);
    await haveStarted(schedule.name, before.length + 1);
    const audited = await auditOf(schedule.name, { to: secondsFromNow(20) });
    expect(audited).toMatchObject(CLEAN);
    expect(audited.outcomes['fired']).toBeGreaterThan(0);
    expect(audited.text).toMatch(/^No due time .* was lost, doubled or invented: \d+ are decided/);
  });

  it('is clean for a schedule that was deleted, by its id', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    await haveStarted(schedule.name, 1);
    await tenant.api.delete(path(schedule)).set('If-Match', '*').expect(204);
    const audited = await until('all is decided', async () => {
      const found = await auditOf(schedule.id, { to: secondsFromNow(20) });
      return found.isClean && found.outcomes['planned'] === undefined && found;
    });
    expect(audited).toMatchObject(CLEAN);
    expectProblem(await tenant.api.get(`${path(schedule)}:audit`), 'not-found');
  });

  it('finds a due time that was lost, one that was invented, and a run too many', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    const [, { dueAt: lost }, { dueAt: twice }] = (await haveStarted(schedule.name, 4)) as [Fire, Fire, Fire];
    const client = await openClient(server.databaseUrl);
    await client.query('delete from carillon.fire where schedule_id = $1 and due_at = $2', [
      schedule.id,
      lost,
    ]);
    const invented = new Date(Date.parse(lost) + 1).toISOString();
    await client.query(
      `insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, reason, run_id, term)
       select schedule_id, $2, tenant_id, outcome, reason, run_id, term from carillon.fire where schedule_id = $1 limit 1`,
      [schedule.id, invented],
    );
    await client.query(
      `insert into carillon.run (id, tenant_id, slot, job_type, schedule_id, due_at, payload, run_at)
       select carillon.new_id(), tenant_id, slot, job_type, id, $2, payload, '2100-01-01Z' from carillon.schedule where id = $1`,
      [schedule.id, twice],
    );
    const found = await until('the run too many is seen', async () => {
      const audited = await auditOf(schedule.name);
      return audited.isClean ? undefined : audited;
    });
    expect(found).toMatchObject({
      isClean: false,
      lost: { count: 1, dueTimes: [lost] },
      invented: { count: 1, dueTimes: [invented] },
      doubled: { count: 1, dueTimes: [twice] },
      text: expect.stringMatching(/1 were lost and 1 were doubled and 1 were invented/) as string,
    });
    await client.query('delete from carillon.run where schedule_id = $1 and run_at > now()', [schedule.id]);
  });

  it('is clean for a due time whose run was cancelled before it began, and that was backfilled', async () => {
    const queue = `held-${tenant.keyId}`;
    await tenant.api.post(`${tenant.path}/queues/${queue}:pause`).expect(200);
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 }, queue });
    const { dueAt, runId } = await until('one has passed', async () =>
      (await listFires(tenant, schedule.name)).findLast((fire) => Date.parse(fire.dueAt) < Date.now()),
    );
    await tenant.api.post(`${tenant.path}/runs/${runId}:cancel`).expect(200);
    const to = new Date(Date.parse(dueAt) + 1).toISOString();
    await tenant.api
      .post(`${path(schedule)}:backfill`)
      .send({ from: dueAt, to })
      .expect(202);
    await tenant.api.post(`${tenant.path}/queues/${queue}:resume`).expect(200);
    await until('the backfill has run it', async () =>
      (await listFires(tenant, schedule.name)).some(
        (fire) => fire.dueAt === dueAt && fire.reason === 'backfill' && started(fire),
      ),
    );
    expect(await auditOf(schedule.name)).toMatchObject(CLEAN);
  });

  it('begins when the schedule did, and looks at ten thousand due times', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    const audited = await auditOf(schedule.name, {
      from: '2001-01-01T00:00:00Z',
      to: '2100-01-01T00:00:00Z',
    });
    expect(audited).toMatchObject({ isClean: true, isComplete: false });
    expect(Math.abs(Date.parse(audited.auditedFrom) - Date.parse(schedule.createdAt))).toBeLessThan(10_000);
  });

  it.each<[string, object, string]>([
    ['no instant', { from: 'yesterday' }, '?from'],
    [
      'a span that ends before it begins',
      { from: '2031-01-02T00:00:00Z', to: '2031-01-01T00:00:00Z' },
      '?to',
    ],
  ])('refuses %s', async (_, query, field) => {
    const { name } = await createSchedule(tenant);
    expect(expectFields(await tenant.api.get(`${path({ name })}:audit`).query(query))).toEqual([field]);
  });

  it('finds a schedule by its id, too, also before anything was due', async () => {
    const { id } = await createSchedule(tenant, { spec: { at: '2100-01-01T00:00:00Z' } });
    expect(await auditOf(id, { to: '2100-01-02T00:00:00Z' })).toMatchObject({ ...CLEAN, ahead: 1 });
  });

  it('is for its tenant alone', async () => {
    const { id, name } = await createSchedule(tenant);
    const other = await createTenant(server);
    for (const schedule of [id, name])
      for (const what of [':audit', '/revisions'])
        expectProblem(await other.api.get(`${other.path}/schedules/${schedule}${what}`), 'not-found');
  });
});
