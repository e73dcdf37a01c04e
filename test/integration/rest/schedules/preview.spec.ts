// When would a schedule be due? The preview says so with the times that the wall clock shows, over clock changes too, and
// writes nothing.
import { describe, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { createSchedule, useTenant } from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

interface DueTime {
  dueAt: string;
  local: string;
  clockSetSeconds: number | null;
}

const ask = (body: object) => tenant.api.post(`${tenant.path}/schedules:preview`).send(body);
async function preview(body: object): Promise<DueTime[]> {
  const { body: answer } = await ask(body).expect(200);
  return (answer as { dueTimes: DueTime[] }).dueTimes;
}

describe('the preview of a draft', () => {
  it('shows when the clock is set back, and when a due time falls into a gap', async () => {
    const berlin = { spec: { cron: '30 2 * * *' }, timeZone: 'Europe/Berlin', count: 3 };
    expect(await preview({ ...berlin, after: '2026-10-24T12:00:00Z' })).toMatchObject([
      { dueAt: '2026-10-25T00:30:00.000Z', local: '2026-10-25T02:30:00.000+02:00', clockSetSeconds: null },
      { dueAt: '2026-10-26T01:30:00.000Z', local: '2026-10-26T02:30:00.000+01:00', clockSetSeconds: -3_600 },
      { dueAt: '2026-10-27T01:30:00.000Z', local: '2026-10-27T02:30:00.000+01:00', clockSetSeconds: null },
    ]);
    expect((await preview({ ...berlin, after: '2027-03-27T12:00:00Z' }))[0]).toMatchObject({
      dueAt: '2027-03-28T01:00:00.000Z',
      local: '2027-03-28T03:00:00.000+02:00',
      clockSetSeconds: 3_600,
    });
  });

  it('west of Greenwich, and by half an hour', async () => {
    const noon = { spec: { cron: '0 12 * * *' }, count: 1, after: '2026-01-01T00:00:00Z' };
    expect(await preview({ ...noon, timeZone: 'America/St_Johns' })).toMatchObject([
      { local: '2026-01-01T12:00:00.000-03:30' },
    ]);
    expect(await preview({ ...noon, timeZone: 'Asia/Kolkata' })).toMatchObject([
      { dueAt: '2026-01-01T06:30:00.000Z', local: '2026-01-01T12:00:00.000+05:30' },
    ]);
  });

  it('has ten due times from now on, as many as are asked for, or as many as there are', async () => {
    const each = await preview({ spec: { everySeconds: 90 } });
    expect(each).toHaveLength(10);
    expect(each.every(({ dueAt }) => Date.parse(dueAt) > Date.now() - 60_000)).toBe(true);
    const many = await preview({ spec: { cron: '* * * * *' }, count: 1_000 });
    expect(new Set(many.map(({ dueAt }) => dueAt)).size).toBe(1_000);
    expect(await preview({ spec: { at: '2099-01-01T00:00:00Z' } })).toMatchObject([
      { local: '2099-01-01T00:00:00.000+00:00' },
    ]);
    expect(await preview({ spec: { at: '2001-01-01T00:00:00Z' } })).toEqual([]);
  });

  it.each([
    ['no spec', {}, ['/spec']],
    ['an expression that never fires', { spec: { cron: '0 0 30 2 *' } }, ['/spec/cron']],
    ['a zone that means several', { spec: { cron: '0 0 * * *' }, timeZone: 'BST' }, ['/timeZone']],
    ['too many', { spec: { everySeconds: 1 }, count: 1_001 }, ['/count']],
    ['none', { spec: { everySeconds: 1 }, count: 0 }, ['/count']],
    ['no instant', { spec: { everySeconds: 1 }, after: 'today' }, ['/after']],
    ['an unknown field', { spec: { everySeconds: 1 }, jobType: 'noop' }, ['/jobType']],
  ])('refuses %s', async (_, body, fields) => {
    expect(expectFields(await ask(body))).toEqual(fields);
  });
});

describe('the preview of a schedule', () => {
  it('has its due times, also while it is paused', async () => {
    const { name } = await createSchedule(tenant, { spec: { cron: '0 9 * * MON' }, timeZone: 'Asia/Tokyo' });
    await tenant.api.post(`${tenant.path}/schedules/${name}:pause`).expect(200);
    const query = 'count=2&after=2026-11-27T00:00:00Z';
    const { body } = await tenant.api.get(`${tenant.path}/schedules/${name}:preview?${query}`).expect(200);
    expect(body).toMatchObject({
      dueTimes: [{ local: '2026-11-30T09:00:00.000+09:00' }, { local: '2026-12-07T09:00:00.000+09:00' }],
      isComplete: true,
      text: 'At 09:00, only on Monday, Asia/Tokyo',
    });
  });

  it('of another name is not there', async () => {
    expectProblem(await tenant.api.get(`${tenant.path}/schedules/no-such:preview`), 'not-found');
  });

  it.each(['0', '1001', '1.5', 'x', ''])('is refused with the count %j', async (count) => {
    const { name } = await createSchedule(tenant);
    const answer = await tenant.api.get(`${tenant.path}/schedules/${name}:preview?count=${count}`);
    expect(expectFields(answer)).toEqual(['?count']);
  });
});
