// Are schedules found by their labels, and by what else a list is filtered by?
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { schedule as shape } from '#server/http/schedules/schedule.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  patchSchedule,
  postSchedule,
  readSchedule,
  secondsFromNow,
  useTenant,
} from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

describe('labels', () => {
  it('are kept as they are given, merged by a patch, and replaced by a whole', async () => {
    const labels = { team: 'billing', 'example.com/cost-centre_1': '' };
    const { name, labels: made } = await createSchedule(tenant, { labels });
    expect(made).toEqual(labels);
    expect((await readSchedule(tenant, name)).labels).toEqual(labels);
    const patch = { labels: { team: null, stage: 'prod' } };
    const { body } = await patchSchedule(tenant, { name }, patch).expect(200);
    expect(body).toMatchObject({ labels: { 'example.com/cost-centre_1': '', stage: 'prod' }, revision: 2 });
    await patchSchedule(tenant, { name }, { priority: 3 }).expect(200);
    const spec = { everySeconds: 3_600 };
    const put = (wish: object) =>
      tenant.api.put(`${tenant.path}/schedules/${name}`).send({ spec, jobType: 'noop', ...wish });
    const same = { priority: 3, labels: { stage: 'prod', 'example.com/cost-centre_1': '' } };
    expect((await put(same).expect(200)).body).toMatchObject({ revision: 3, labels: same.labels });
    expect((await put({}).expect(200)).body).toMatchObject({ revision: 4, labels: {} });
    await patchSchedule(tenant, { name }, { labels: { a: 'b' } }).expect(200);
    expect((await patchSchedule(tenant, { name }, { labels: null }).expect(200)).body).toMatchObject({
      labels: {},
    });
    await tenant.api.delete(`${tenant.path}/schedules/${name}`).set('If-Match', '*').expect(204);
  });

  it('are refused when they are too many or too long, by their names', async () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`l${n}`, '']));
    expect(expectFields(await postSchedule(tenant, { ...any, labels: many(21) }))).toEqual(['/labels']);
    expect(expectFields(await postSchedule(tenant, { ...any, labels: { team: 'x'.repeat(64) } }))).toEqual([
      '/labels/team',
    ]);
    expect(expectFields(await postSchedule(tenant, { ...any, labels: { team: 3 } }))).toEqual([
      '/labels/team',
    ]);
    expect(expectFields(await postSchedule(tenant, { ...any, labels: { Team: '' } }))).toEqual([
      '/labels/Team',
    ]);
    expect(
      expectFields(await postSchedule(tenant, { ...any, labels: { ['k'.repeat(64)]: '' } })),
    ).toHaveLength(1);
    const { name } = await createSchedule(tenant, { labels: many(20) });
    expect(expectFields(await patchSchedule(tenant, { name }, { labels: { l20: '' } }))).toEqual(['/labels']);
    await patchSchedule(tenant, { name }, { labels: { l20: '', l0: null } }).expect(200);
    await tenant.api.delete(`${tenant.path}/schedules/${name}`).set('If-Match', '*').expect(204);
  });
});

const any = { spec: { everySeconds: 3_600 } };

describe('a list', () => {
  const page = z.object({ items: z.array(shape), nextPageToken: z.string().nullable() });
  const read = async (query: string) =>
    page.parse((await tenant.api.get(`${tenant.path}/schedules?${query}`).expect(200)).body);
  const found = async (query: string) => (await read(query)).items.map(({ name }) => name);

  beforeAll(async () => {
    const billing = { team: 'billing' };
    await createSchedule(tenant, { name: 'invoices', labels: { ...billing, stage: 'prod' } });
    await createSchedule(tenant, { name: 'invoices-test', labels: { ...billing, stage: 'test' } });
    await createSchedule(tenant, { name: 'reports', labels: { team: 'sales:eu' }, jobType: 'echo' });
    await createSchedule(tenant, { name: 'once', spec: { at: secondsFromNow(3_600) } });
    await createSchedule(tenant, { name: 'plain' });
    await tenant.api.post(`${tenant.path}/schedules/plain:pause`).expect(200);
    await tenant.api.post(`${tenant.path}/schedules/once:skipNext`).expect(200);
  });

  it.each([
    ['label=team:billing', ['invoices', 'invoices-test']],
    ['label=team:billing&label=stage:prod', ['invoices']],
    ['label=team', ['invoices', 'invoices-test', 'reports']],
    ['label=team:sales:eu', ['reports']],
    ['label=team:sales', []],
    ['label=team:', []],
    ['jobType=echo', ['reports']],
    ['q=VOICE', ['invoices', 'invoices-test']],
    ['q=%25', []],
    ['q=in_oices', []],
    ['state=paused', ['plain']],
    ['state=ended', ['once']],
    ['state=active', ['invoices', 'invoices-test', 'reports']],
    ['label=team:billing&q=test&state=active&jobType=noop', ['invoices-test']],
    ['', ['invoices', 'invoices-test', 'once', 'plain', 'reports']],
  ])('?%s', async (query, expected) => {
    expect(await found(query)).toEqual(expected);
  });

  it('goes on in pages, whose tokens fit that filter alone', async () => {
    const first = await read('label=team&pageSize=2');
    expect(first.items.map(({ name }) => name)).toEqual(['invoices', 'invoices-test']);
    const second = await read(`label=team&pageSize=2&pageToken=${first.nextPageToken}`);
    expect(second.items.map(({ name }) => name)).toEqual(['reports']);
    expect(second.nextPageToken).toBeNull();
    const other = await tenant.api.get(
      `${tenant.path}/schedules?label=stage&pageToken=${first.nextPageToken}`,
    );
    expectProblem(other, 'invalid-page-token');
  });

  it('refuses a filter that says nothing', async () => {
    const ask = (query: string) => tenant.api.get(`${tenant.path}/schedules?${query}`);
    expect(expectFields(await ask('label=Team'))).toEqual(['?label']);
    expect(expectFields(await ask('label='))).toEqual(['?label']);
    expect(expectFields(await ask('state=over'))).toEqual(['?state']);
    expect(expectFields(await ask(`q=${'x'.repeat(101)}`))).toEqual(['?q']);
  });
});
