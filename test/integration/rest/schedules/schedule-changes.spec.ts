// Is a change of a schedule made whole or not at all, and only by a caller who has seen what it changes?
import { describe, expect, it } from 'vitest';
import { schedule as scheduleShape } from '#server/http/schedules/schedule.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createSchedule,
  patchSchedule,
  readSchedule,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

const pathOf = ({ name }: Pick<Schedule, 'name'>) => `${tenant.path}/schedules/${name}`;
const patch = (schedule: Pick<Schedule, 'name'>, body: object, ifMatch?: string) =>
  patchSchedule(tenant, schedule, body, ifMatch);

/** Half an hour, for an interval; other specs count from nothing. */
async function countFromEarlier({ id }: Schedule): Promise<void> {
  const client = await openClient(server.databaseUrl);
  await client.query(
    `update carillon.schedule
        set spec = jsonb_set(spec, '{anchorAt}', to_jsonb(to_char(created_at at time zone 'UTC' - interval '30 minutes', 'YYYY-MM-DD"T"HH24:MI:SS.000"Z"'))),
            next_due_at = date_trunc('second', next_due_at) - interval '30 minutes'
      where id = $1 and spec ->> 'kind' = 'every'`,
    [id],
  );
  await client.end();
}

describe('changing a schedule', () => {
  it('wants to know what the change is based on', async () => {
    const schedule = await createSchedule(tenant);
    expectProblem(
      await tenant.api.patch(pathOf(schedule)).send({ payload: { a: 1 } }),
      'precondition-required',
    );
    expectProblem(await tenant.api.delete(pathOf(schedule)), 'precondition-required');
    expect(await readSchedule(tenant, schedule.name)).toEqual(schedule);
  });

  it('based on an old revision changes nothing and names the current one', async () => {
    const schedule = await createSchedule(tenant);
    const changed = await patch(schedule, { payload: { by: 'first' } }, '"1"').expect(200);
    expect(changed.headers['etag']).toBe('"2"');
    expect(
      expectProblem(await patch(schedule, { payload: { by: 'second' } }, '"1"'), 'etag-mismatch'),
    ).toMatchObject({ currentRevision: 2 });
    expect(
      expectProblem(await tenant.api.delete(pathOf(schedule)).set('If-Match', '"1"'), 'etag-mismatch'),
    ).toMatchObject({ currentRevision: 2 });
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({
      payload: { by: 'first' },
      revision: 2,
    });
  });

  it.each(['1', 'W/"1"', '"x"', '"1", "2"', '"99999999999999999999"', '"-1"', ''])(
    'based on %j, which is no ETag of ours, is refused',
    async (ifMatch) => {
      const schedule = await createSchedule(tenant);
      expectProblem(await patch(schedule, { payload: {} }, ifMatch), 'bad-request');
      expect(await readSchedule(tenant, schedule.name)).toEqual(schedule);
    },
  );

  it('any revision is changed by a caller who says `*`', async () => {
    const schedule = await createSchedule(tenant);
    await patch(schedule, { payload: { a: 1 } }, '*').expect(200);
    await patch(schedule, { payload: { b: 2 } }, ' * ').expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ payload: { a: 1, b: 2 }, revision: 3 });
  });

  it('any revision is changed by many at once who say `*`, and no change is lost', async () => {
    const schedule = await createSchedule(tenant, { payload: {} });
    const fields = Array.from({ length: 20 }, (_, index) => [`field${index}`, index] as const);
    const answers = await Promise.all(
      fields.map(([field, value]) => patch(schedule, { payload: { [field]: value } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(fields.map(() => 200));
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({
      payload: Object.fromEntries(fields),
      revision: 21,
    });
  });

  it('ten times at once from the same revision succeeds once', async () => {
    const schedule = await createSchedule(tenant);
    const answers = await Promise.all(
      Array.from({ length: 10 }, async (_, by) => (await patch(schedule, { payload: { by } }, '"1"')).status),
    );
    expect(answers.toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(9).fill(412)]);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ revision: 2 });
  });

  it('merges the payload as RFC 7396 says', async () => {
    const schedule = await createSchedule(tenant, {
      payload: { a: 'b', c: { d: 'e', f: 'g' }, list: [1, 2] },
    });
    const response = await tenant.api
      .patch(pathOf(schedule))
      .set('If-Match', '"1"')
      .type('application/merge-patch+json')
      .send(JSON.stringify({ payload: { a: 'z', c: { f: null }, list: [3], new: { x: null, y: 1 } } }))
      .expect(200);
    expect(scheduleShape.parse(response.body).payload).toEqual({
      a: 'z',
      c: { d: 'e' },
      list: [3],
      new: { y: 1 },
    });
    await patch(schedule, { payload: null }).expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ payload: {} });
  });

  it('puts one spec in the place of another, whether or not the old one is taken away by name', async () => {
    const schedule = await createSchedule(tenant, { spec: { cron: '0 12 * * *' }, timeZone: 'Asia/Tokyo' });
    await patch(schedule, { spec: { cron: '0 13 * * *' } }).expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({
      spec: { cron: '0 13 * * *' },
      timeZone: 'Asia/Tokyo',
    });
    await patch(schedule, { spec: { cron: null, everySeconds: 60 } }).expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({
      spec: { everySeconds: 60 },
      timeZone: null,
    });
    await patch(schedule, { spec: { cron: '0 14 * * *' } }).expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({
      spec: { cron: '0 14 * * *' },
      timeZone: 'UTC',
    });
  });

  it.each([
    [{ everySeconds: 3_600 }, { everySeconds: 3_600 }],
    [{ everySeconds: 3_600 }, { cron: '@every 1h' }],
    [{ cron: '0 12 * * *' }, { cron: '0 12 * * *' }],
    [{ at: '2099-01-01T00:00:00.000Z' }, { at: '2099-01-01T01:00:00+01:00' }],
  ])('to the same spec, %j as %j, moves nothing', async (spec, again) => {
    const schedule = await createSchedule(tenant, { spec });
    await countFromEarlier(schedule);
    const before = await readSchedule(tenant, schedule.name);
    await patch(schedule, { spec: again }).expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({
      spec: before.spec,
      nextDueAt: before.nextDueAt,
    });
  });

  it('of the zone alone moves the due time', async () => {
    const schedule = await createSchedule(tenant, { spec: { cron: '0 12 * * *' } });
    await patch(schedule, { timeZone: 'Asia/Tokyo' }).expect(200);
    const moved = await readSchedule(tenant, schedule.name);
    expect([moved.timeZone, wallClock(moved.nextDueAt, 'Asia/Tokyo')]).toEqual(['Asia/Tokyo', '12:00']);
    await patch(schedule, { timeZone: null }).expect(200);
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ timeZone: 'UTC' });
  });

  it('of nothing makes a new revision and keeps everything else', async () => {
    const schedule = await createSchedule(tenant, { payload: { a: 1 } });
    await patch(schedule, {}).expect(200);
    const { updatedAt: _, ...rest } = schedule;
    expect(await readSchedule(tenant, schedule.name)).toMatchObject({ ...rest, revision: 2 });
  });

  it('goes through the same checks as creating', async () => {
    const schedule = await createSchedule(tenant, { payload: { a: 1 } });
    for (const [body, field] of [
      [{ name: 'other' }, '/name'],
      [{ revision: 7 }, '/revision'],
      [{ jobType: 'nobody.has-it' }, '/jobType'],
      [{ jobType: null }, '/jobType'],
      [{ jobType: 'sleep' }, '/payload/ms'],
      [{ payload: [1] }, '/payload'],
      [{ payload: { a: '\0' } }, '/payload/a'],
      [{ spec: null }, '/spec'],
      [{ spec: { cron: null } }, '/spec'],
      [{ spec: { cron: '* * * * *', everySeconds: 5 } }, '/spec'],
      [{ spec: { cron: '0 0 31 4 *' } }, '/spec/cron'],
      [{ spec: { at: '2001-01-01T00:00:00Z' } }, '/spec/at'],
      [{ timeZone: 'Europe/Berlin' }, '/timeZone'],
    ] as const) {
      expect(expectFields(await patch(schedule, body))).toEqual([field]);
    }
    expect(await readSchedule(tenant, schedule.name)).toEqual(schedule);
  });

  it('of the times alone is possible when the job type is gone', async () => {
    const { name } = await createJobType(tenant);
    const schedule = await createSchedule(tenant, { jobType: name });
    await tenant.api.delete(`${tenant.path}/job-types/${name}`).set('If-Match', '*').expect(204);
    await patch(schedule, { spec: { everySeconds: 7_200 } }).expect(200);
    expect(expectFields(await patch(schedule, { payload: { a: 1 } }))).toEqual(['/jobType']);
  });
});

function wallClock(instant: string | null, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(
    new Date(instant ?? ''),
  );
}
