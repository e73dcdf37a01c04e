// Do the runs of a schedule stand in the queue, with the key, the tags, the priority and the deadline that it says?
import { describe, expect, it } from 'vitest';
import { expectFields } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  finishedRun,
  listFires,
  patchSchedule,
  readRun,
  readSchedule,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const options = {
  queue: 'reports',
  concurrencyKey: 'customer-7',
  tags: ['nightly', 'dear'],
  priority: -5,
  deadlineSeconds: 600,
};
const defaults = { queue: 'default', concurrencyKey: null, tags: [], priority: 0, deadlineSeconds: null };

const patch = (schedule: Pick<Schedule, 'name'>, body: object) => patchSchedule(tenant, schedule, body);

const someRun = async (schedule: Schedule, isWanted: (queue: string) => boolean = () => true) =>
  until('there is such a run', async () => {
    const [latest] = await listFires(tenant, schedule.name);
    const run = await (latest?.runId ? readRun(tenant, latest.runId) : null);
    return run !== null && isWanted(run.queue) && run;
  });

describe('a schedule', () => {
  it('says what its runs say', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 }, ...options });
    expect(schedule).toMatchObject(options);
    const run = await someRun(schedule);
    const { deadlineSeconds, ...ofRun } = options;
    expect(run).toMatchObject({ ...ofRun, state: 'scheduled' });
    expect(Date.parse(run.deadline ?? '') - Date.parse(run.dueAt ?? '')).toBe(deadlineSeconds * 1_000);
    expect(await finishedRun(tenant, run)).toMatchObject({ ...ofRun, state: 'succeeded' });
  });

  it('that says nothing makes plain runs', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    expect(schedule).toMatchObject(defaults);
    const { deadlineSeconds: _none, ...ofRun } = defaults;
    expect(await someRun(schedule)).toMatchObject({ ...ofRun, deadline: null });
  });

  it('is changed one by one, back to the defaults too, and what is planned changes with it', async () => {
    const schedule = await createSchedule(tenant, { spec: { everySeconds: 1 }, ...options });
    await someRun(schedule);
    await patch(schedule, { queue: 'mail', tags: null, deadlineSeconds: null }).expect(200);
    const changed = { ...options, queue: 'mail', tags: [], deadlineSeconds: null };
    expect(await readSchedule(tenant, schedule.name)).toMatchObject(changed);
    const run = await someRun(schedule, (queue) => queue === 'mail');
    expect(run).toMatchObject({ tags: [], deadline: null, concurrencyKey: 'customer-7', priority: -5 });
    const nothing = Object.fromEntries(Object.keys(options).map((name) => [name, null]));
    const { body } = await patch(schedule, nothing).expect(200);
    expect(body).toMatchObject(defaults);
  });

  it('whose run has expired before its queue went on has missed that due time', async () => {
    await tenant.api.post(`${tenant.path}/queues/stuck:pause`).expect(200);
    const schedule = await createSchedule(tenant, {
      spec: { everySeconds: 1 },
      queue: 'stuck',
      deadlineSeconds: 1,
    });
    const missed = await until('one is missed', async () =>
      (await listFires(tenant, schedule.name)).find(({ outcome }) => outcome === 'missed'),
    );
    expect(missed).toMatchObject({ reason: 'expired' });
  });

  it.each([
    ['queue', 'No Queue'],
    ['queue', ''],
    ['concurrencyKey', ''],
    ['concurrencyKey', 'x'.repeat(201)],
    ['tags', 'nightly'],
    ['tags', Array.from({ length: 21 }, (_, index) => `t${index}`)],
    ['priority', 101],
    ['priority', 0.5],
    ['deadlineSeconds', 0],
    ['deadlineSeconds', 1.5],
    ['deadlineSeconds', 31_536_001],
    ['deadline', '2099-01-01T00:00:00Z'],
  ])('is refused with %s %j', async (field, value) => {
    const body = { name: 'refused', jobType: 'noop', spec: { everySeconds: 60 }, [field]: value };
    expect(expectFields(await tenant.api.post(`${tenant.path}/schedules`).send(body))).toEqual([`/${field}`]);
    const schedule = await createSchedule(tenant);
    expect(expectFields(await patch(schedule, { [field]: value }))).toEqual([`/${field}`]);
  });
});
