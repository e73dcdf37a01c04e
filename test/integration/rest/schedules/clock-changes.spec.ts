// Can a schedule be told what to do with times of day that the clock leaves out or shows twice, and does it keep that
// through changes?
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { expectFields } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { createSchedule, patchSchedule, readSchedule, useTenant } from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

const nightly = { spec: { cron: '30 2 * * *' }, timeZone: 'Europe/Berlin' };
const previewShape = z.object({ text: z.string(), dueTimes: z.array(z.object({ dueAt: z.string() })) });
const dueAtIn = (body: unknown) => previewShape.parse(body).dueTimes.map(({ dueAt }) => dueAt.slice(0, 16));

describe('clockChanges', () => {
  it('are the defaults where none are given, null where there is no choice', async () => {
    expect(await createSchedule(tenant, nightly)).toMatchObject({
      clockChanges: { gap: 'after', repeat: 'first' },
    });
    for (const spec of [{ cron: '*/30 * * * *' }, { everySeconds: 60 }, { at: '2099-01-01T00:00:00Z' }])
      expect(await createSchedule(tenant, { spec })).toMatchObject({ clockChanges: null });
  });

  it('decide when a draft and a schedule are due', async () => {
    const clockChanges = { gap: 'skip', repeat: 'both' };
    const autumn = '2026-10-24T12:00:00Z';
    const draft = { ...nightly, clockChanges, count: 2, after: autumn };
    const drafted = await tenant.api.post(`${tenant.path}/schedules:preview`).send(draft).expect(200);
    expect(dueAtIn(drafted.body)).toEqual(['2026-10-25T00:30', '2026-10-25T01:30']);
    expect(previewShape.parse(drafted.body).text).toContain('both times when the clock shows it twice');
    const { name } = await createSchedule(tenant, { ...nightly, clockChanges });
    const ahead = (after: string) =>
      tenant.api.get(`${tenant.path}/schedules/${name}:preview`).query({ count: 1, after }).expect(200);
    expect(dueAtIn((await ahead('2027-03-27T12:00:00Z')).body)).toEqual(['2027-03-29T00:30']);
    expect(dueAtIn((await ahead('2027-10-31T00:30:00Z')).body)).toEqual(['2027-10-31T01:30']);
  });

  it('are merged by a patch, and null means the default', async () => {
    const schedule = await createSchedule(tenant, { ...nightly, clockChanges: { gap: 'skip' } });
    const patched = async (body: object) => {
      await patchSchedule(tenant, schedule, body).expect(200);
      return (await readSchedule(tenant, schedule.name)).clockChanges;
    };
    expect(await patched({ clockChanges: { repeat: 'both' } })).toEqual({ gap: 'skip', repeat: 'both' });
    expect(await patched({ spec: { cron: '0 3 * * *' } })).toEqual({ gap: 'skip', repeat: 'both' });
    expect(await patched({ clockChanges: { gap: null } })).toEqual({ gap: 'after', repeat: 'both' });
    expect(await patched({ clockChanges: null })).toEqual({ gap: 'after', repeat: 'first' });
  });

  it('are dropped by a spec that they do not fit', async () => {
    for (const spec of [{ cron: '*/30 * * * *' }, { everySeconds: 60 }, { at: '2099-01-01T00:00:00Z' }]) {
      const schedule = await createSchedule(tenant, { ...nightly, clockChanges: { gap: 'skip' } });
      await patchSchedule(tenant, schedule, { spec }).expect(200);
      expect(await readSchedule(tenant, schedule.name)).toMatchObject({ clockChanges: null });
    }
  });

  it.each([
    ['a rhythm', { spec: { cron: '*/30 * * * *' }, clockChanges: { gap: 'skip' } }, ['/clockChanges']],
    ['a rhythm, also for the default', { spec: { cron: '0 * * * *' }, clockChanges: {} }, ['/clockChanges']],
    ['an interval', { spec: { everySeconds: 60 }, clockChanges: { gap: 'skip' } }, ['/clockChanges']],
    ['an instant', { spec: { at: '2099-01-01T00:00:00Z' }, clockChanges: {} }, ['/clockChanges']],
    ['an unknown word', { ...nightly, clockChanges: { gap: 'late' } }, ['/clockChanges/gap']],
    ['an unknown field', { ...nightly, clockChanges: { fold: 'both' } }, ['/clockChanges/fold']],
    [
      'none ever due',
      { spec: { cron: '30 2 * 3 SUNL' }, timeZone: 'Europe/Berlin', clockChanges: { gap: 'skip' } },
      ['/clockChanges'],
    ],
  ])('are refused for %s', async (_what, body, pointers) => {
    const response = await tenant.api.post(`${tenant.path}/schedules:preview`).send(body);
    expect([...new Set(expectFields(response))]).toEqual(pointers);
  });
});
