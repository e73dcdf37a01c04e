// Is a schedule due at each of the instants that it lists, and can what a GET shows be sent again?
import { describe, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  listFires,
  patchSchedule,
  postSchedule,
  readSchedule,
  secondsFromNow,
  useTenant,
  type Schedule,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const post = (wish: object) => postSchedule(tenant, wish);
const NEW_YEAR = ['2031-01-01T08:00:00.000Z', '2031-01-01T09:00:00.000Z'];

describe('a schedule that lists instants', () => {
  it('fires at each that is ahead, once, and has ended then', async () => {
    const [past, first, second] = [-60, 2, 3].map(secondsFromNow);
    const { name } = await createSchedule(tenant, { spec: { at: [second, first, past, second] } });
    await until('it has ended', async () => (await readSchedule(tenant, name)).state === 'ended');
    const rows = await until('all are decided', async () => {
      const fires = await listFires(tenant, name);
      return fires.every(({ outcome }) => outcome !== 'planned') && fires;
    });
    expect(rows.map(({ dueAt }) => dueAt)).toEqual([second, first]);
  });

  it('shows them in order, also in the preview, and explains each', async () => {
    const schedule = await createSchedule(tenant, { spec: { at: NEW_YEAR.toReversed() } });
    expect(schedule).toMatchObject({
      spec: { at: NEW_YEAR },
      text: `At ${NEW_YEAR.join(' and ')}`,
      timeZone: null,
      nextDueAt: NEW_YEAR[0],
    });
    const at = `${tenant.path}/schedules/${schedule.name}`;
    const { body: preview } = await tenant.api.get(`${at}:preview`).expect(200);
    const { dueTimes } = preview as { dueTimes: { dueAt: string }[] };
    expect(dueTimes.map(({ dueAt }) => dueAt)).toEqual(NEW_YEAR);
    const { body: explained } = await tenant.api.get(`${at}:explain?at=${NEW_YEAR[0]}`).expect(200);
    expect(explained).toMatchObject({ isDue: true, dueBefore: null, dueAfter: NEW_YEAR[1] });
  });

  it('replaces another spec by a patch and is replaced by one; the same list again changes no due time', async () => {
    const schedule = await createSchedule(tenant, { spec: { cron: '0 9 * * *' }, timeZone: 'Asia/Tokyo' });
    const patched = async (spec: object) =>
      (await patchSchedule(tenant, schedule, { spec }).expect(200)).body as Schedule;
    expect(await patched({ at: NEW_YEAR })).toMatchObject({ spec: { at: NEW_YEAR }, timeZone: null });
    expect(await patched({ at: NEW_YEAR.toReversed() })).toMatchObject({ nextDueAt: NEW_YEAR[0] });
    expect(await patched({ at: null, cron: '0 9 * * *' })).toMatchObject({ timeZone: 'UTC' });
  });

  it.each<[string, object, string[]]>([
    ['none', { spec: { at: [] } }, ['/spec/at']],
    ['a thousand and one', { spec: { at: Array<string>(1_001).fill('2031-01-01T08:00:00Z') } }, ['/spec/at']],
    ['one that is no instant', { spec: { at: [NEW_YEAR[0], 'tomorrow'] } }, ['/spec/at/1']],
    ['one that is a number', { spec: { at: [1, NEW_YEAR[0]] } }, ['/spec/at/0']],
    ['only past ones', { spec: { at: ['2001-01-01T00:00:00Z', '2002-01-01T00:00:00Z'] } }, ['/spec/at']],
    ['a start beside them', { spec: { at: NEW_YEAR }, startAt: NEW_YEAR[0] }, ['/startAt']],
    ['an end beside them', { spec: { at: NEW_YEAR }, endAt: NEW_YEAR[1] }, ['/endAt']],
    ['a zone beside them', { spec: { at: NEW_YEAR }, timeZone: 'Asia/Tokyo' }, ['/timeZone']],
  ])('is refused with %s', async (_, wish, fields) => {
    expect(expectFields(await post(wish))).toEqual(fields);
  });

  it('is refused with words for what was expected and what was got', async () => {
    const problem = expectProblem(await post({ spec: { at: 'tomorrow' } }), 'validation-failed');
    expect(problem['detail']).toBe('/spec/at: expected an instant like 2026-11-21T08:30:00Z, got "tomorrow"');
    const past = await post({ spec: { at: ['2001-01-01T00:00:00Z', '2002-01-01T00:00:00Z'] } });
    expect(expectProblem(past, 'validation-failed')['detail']).toMatch(
      /^\/spec\/at: expected a due time after .*, got 2002-01-01T00:00:00\.000Z as the last$/,
    );
  });

  it('has due times to the millisecond: finer digits are cut off', async () => {
    const { spec } = await createSchedule(tenant, { spec: { at: '2031-01-01T00:00:00.123956Z' } });
    expect(spec).toEqual({ at: '2031-01-01T00:00:00.123Z' });
  });
});

describe('what a GET shows', () => {
  it.each<object>([
    { spec: { at: NEW_YEAR } },
    { spec: { everySeconds: 60 } },
    { spec: { cron: '0 9 * * *' }, timeZone: 'Asia/Tokyo', priority: 3 },
  ])('of %j can be sent again, nulls included', async (wish) => {
    const { id, state, text, nextDueAt, createdAt, updatedAt, revision, name, ...written } =
      await createSchedule(tenant, wish);
    const { pausedAt, pausedUntil, pauseReason, consecutiveFailures, ...fromWhere } = written;
    const { source, removedFromCodeAt, waitsFor, ...rest } = fromWhere;
    const read = [
      pausedAt,
      pausedUntil,
      pauseReason,
      consecutiveFailures,
      source,
      removedFromCodeAt,
      waitsFor,
    ];
    expect(read).toEqual([null, null, null, 0, 'api', null, null]);
    expect(rest).toMatchObject({ concurrencyKey: null, deadlineSeconds: null });
    const { body } = await post(rest).expect(201);
    expect(body).toMatchObject(rest);
    expect((await post({ ...rest, catchUp: null, queue: null }).expect(201)).body).toMatchObject(rest);
    expect([id, name]).not.toContain((body as Schedule).id);
    expect([state, text, revision]).toEqual(['active', (body as Schedule).text, 1]);
    expect([createdAt, updatedAt, nextDueAt].every((instant) => instant !== null)).toBe(true);
  });
});
