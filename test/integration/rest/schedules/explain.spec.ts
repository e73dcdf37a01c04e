// Does the API say why a schedule ran at an instant, or why not?
import { describe, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { createSchedule, createTenant, listFires, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

const explain = (name: string, at: string) =>
  tenant.api.get(`${tenant.path}/schedules/${name}:explain`).query({ at });

describe('an instant of a schedule', () => {
  it('at which it fired is explained by its row of the ledger', async () => {
    const { name } = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    const fired = await until('it has fired', async () =>
      (await listFires(tenant, name)).find(({ outcome }) => outcome === 'fired'),
    );
    const { body } = await explain(name, fired.dueAt).expect(200);
    const [before, after] = [-1_000, 1_000].map((ms) => new Date(Date.parse(fired.dueAt) + ms).toISOString());
    expect(body).toEqual({
      at: fired.dueAt,
      isDue: true,
      dueBefore: expect.toSatisfy((due) => due === null || due === before) as unknown,
      dueAfter: after,
      fire: fired,
      text: `Its run started ${fired.latenessMs} ms after it was due.`,
    });
  });

  it('while it was paused is explained by that', async () => {
    const { name } = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    await tenant.api.post(`${tenant.path}/schedules/${name}:pause`).expect(200);
    const skipped = await until('one is skipped', async () =>
      (await listFires(tenant, name)).find(({ outcome }) => outcome === 'skipped'),
    );
    const { body } = await explain(name, skipped.dueAt).expect(200);
    expect(body).toMatchObject({
      isDue: true,
      fire: skipped,
      text: 'The schedule was paused when it was due.',
    });
  });

  it('at which it is not due, or not yet, is explained by its spec', async () => {
    const { name } = await createSchedule(tenant, { spec: { cron: '0 9 * * *' }, timeZone: 'Asia/Tokyo' });
    const ask = async (at: string) => (await explain(name, at).expect(200)).body as object;
    expect(await ask('2098-12-31T09:00:00Z')).toMatchObject({
      isDue: false,
      dueBefore: '2098-12-31T00:00:00.000Z',
      dueAfter: '2099-01-01T00:00:00.000Z',
      fire: null,
      text: 'The schedule was not due at that instant.',
    });
    expect(await ask('2099-01-01T09:00:00+09:00')).toMatchObject({
      isDue: true,
      text: expect.stringContaining('not decided yet') as string,
    });
    expect(await ask('2001-01-01T00:00:00Z')).toMatchObject({
      text: expect.stringContaining('was made later') as string,
    });
  });

  it('is refused when it is none, and where the schedule is another tenant’s', async () => {
    const { name } = await createSchedule(tenant);
    expect(expectFields(await explain(name, 'yesterday'))).toEqual(['?at']);
    expect(expectFields(await tenant.api.get(`${tenant.path}/schedules/${name}:explain`))).toEqual(['?at']);
    expectProblem(await explain('no-such', '2026-01-01T00:00:00Z'), 'not-found');
    const stranger = await createTenant(server);
    expectProblem(
      await stranger.api.get(`${tenant.path}/schedules/${name}:explain?at=2026-01-01T00:00:00Z`),
      'not-found',
    );
  });
});
