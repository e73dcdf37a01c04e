// Is every list read to its end without loss or repetition, and only with tokens that were given for it?
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { startTestServer, useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  createSchedule,
  createTenant,
  finish,
  listRuns,
  newName,
  secondsFromNow,
  useTenant,
} from '../../../support/test-tenant.js';

const page = z.object({ items: z.array(z.looseObject({})), nextPageToken: z.string().nullable() });
type Page = z.output<typeof page>;

const COUNT = 120;

async function twelveAtATime(act: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < COUNT; from += 12) {
    await Promise.all(Array.from({ length: 12 }, (_, index) => act(from + index)));
  }
}

const server = useTestServer();
const tenant = useTenant(server);

beforeAll(async () => {
  await twelveAtATime(() => createSchedule(tenant));
  await twelveAtATime(() => createRun(tenant, { runAt: secondsFromNow(3_600) }));
  await twelveAtATime(() => createJobType(tenant));
  await twelveAtATime(() =>
    server.admin
      .post('/api/v1/tenants')
      .send({ name: newName('many') })
      .expect(201),
  );
  // Finished runs lie in another table than those to come; the list is one.
  for (let count = 0; count < 5; count += 1) await finish(tenant);
});

const LISTS = [
  { list: 'schedules', key: 'name', ascending: true, least: COUNT },
  { list: 'runs', key: 'id', ascending: false, least: COUNT + 5 },
  { list: 'job-types', key: 'name', ascending: true, least: COUNT + 5 },
  { list: 'tenants', key: 'name', ascending: true, least: COUNT + 1 },
  { list: 'events', key: 'seq', ascending: false, least: 3 },
] as const;
type List = (typeof LISTS)[number]['list'];

function pathOf(list: List): string {
  switch (list) {
    case 'tenants':
      return '/api/v1/tenants';
    case 'events':
      return '/api/v1/cluster/events';
    default:
      return `${tenant.path}/${list}`;
  }
}

async function readPage(list: List, query: string): Promise<Page> {
  return page.parse((await server.admin.get(`${pathOf(list)}?${query}`).expect(200)).body);
}

async function readAll(
  list: List,
  pageSize: number,
  between: () => Promise<unknown> = async () => undefined,
): Promise<Page['items']> {
  const items: Page['items'] = [];
  let token: string | null = '';
  while (token !== null) {
    const { items: more, nextPageToken } = await readPage(
      list,
      `pageSize=${pageSize}${token === '' ? '' : `&pageToken=${token}`}`,
    );
    expect(more.length).toBe(nextPageToken === null ? more.length : pageSize);
    expect(more.length).toBeLessThanOrEqual(pageSize);
    items.push(...more);
    token = nextPageToken;
    await between();
  }
  return items;
}

describe.each(LISTS)('the list of $list', ({ list, key, ascending, least }) => {
  it('is read in pages of any size, in order, without loss or repetition', async () => {
    const whole = await readAll(list, 200);
    expect(whole.length).toBeGreaterThanOrEqual(least);
    const keys = whole.map((item) => item[key]);
    expect(keys).toEqual(
      keys.toSorted(
        (a, b) => (ascending ? 1 : -1) * (Number(a) - Number(b) || (String(a) < String(b) ? -1 : 1)),
      ),
    );
    expect(new Set(keys).size).toBe(keys.length);
    for (const pageSize of [50, 7, 1])
      expect((await readAll(list, pageSize)).map((item) => item[key])).toEqual(keys);
  });

  it('has fifty items on a page when nothing else is asked for', async () => {
    const { items } = await readPage(list, '');
    expect(items.length).toBe(Math.min(50, (await readAll(list, 200)).length));
  });

  it.each(['0', '201', '-1', '1.5', 'abc', '', 'NaN', '1e9', '50&pageSize=60', '9007199254740993'])(
    'has no page of %j items',
    async (pageSize) => {
      expect(new Set(expectFields(await server.admin.get(`${pathOf(list)}?pageSize=${pageSize}`)))).toEqual(
        new Set(['?pageSize']),
      );
    },
  );

  it.each([
    ['garbage', 'AAAA'],
    ['an empty token', ''],
    ['what is no base64', '!!!'],
    ['a made-up one', Buffer.from('000000000000zzzz').toString('base64url')],
    ['a long one', 'A'.repeat(1_000)],
  ])('gives no page for %s', async (_, token) => {
    expectProblem(await server.admin.get(`${pathOf(list)}?pageToken=${token}`), 'invalid-page-token');
  });

  it('gives no page for a token that was changed', async () => {
    const { nextPageToken } = await readPage(list, 'pageSize=1');
    const bytes = Buffer.from(nextPageToken ?? '', 'base64url');
    for (const at of [0, 11, 12, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expectProblem(
        await server.admin.get(`${pathOf(list)}?pageToken=${changed.toString('base64url')}`),
        'invalid-page-token',
      );
    }
    expectProblem(
      await server.admin.get(`${pathOf(list)}?pageToken=${'A'.repeat(1_001)}`),
      'validation-failed',
    );
  });

  it("gives no page for another list's token", async () => {
    const { nextPageToken } = await readPage(list, 'pageSize=1');
    expect(nextPageToken).not.toBeNull();
    for (const { list: other } of LISTS.filter((candidate) => candidate.list !== list)) {
      expectProblem(
        await server.admin.get(`${pathOf(other)}?pageToken=${nextPageToken}`),
        'invalid-page-token',
      );
    }
  });

  it('takes no other question', async () => {
    expect(expectFields(await server.admin.get(`${pathOf(list)}?offset=10&pageSize=5`))).toEqual(['?offset']);
  });
});

it('a list that grows while it is read loses nothing and repeats nothing', async () => {
  const names = (items: Page['items']) => items.map(({ name }) => name);
  const before = names(await readAll('schedules', 200));
  const read = names(await readAll('schedules', 20, () => createSchedule(tenant)));
  expect(new Set(read).size).toBe(read.length);
  expect(read).toEqual(expect.arrayContaining(before));
});

it('items that are deleted while the list is read take no others with them', async () => {
  const mine = await createTenant(server);
  const schedules = await Promise.all(
    Array.from({ length: 10 }, (_, index) => createSchedule(mine, { name: `s${index}` })),
  );
  const first = page.parse((await mine.api.get(`${mine.path}/schedules?pageSize=5`).expect(200)).body);
  // The last one shown is the one that the token was made from.
  for (const { name } of [schedules[2], schedules[4], schedules[5]].filter(
    (schedule) => schedule !== undefined,
  )) {
    await mine.api.delete(`${mine.path}/schedules/${name}`).set('If-Match', '*').expect(204);
  }
  const rest = page.parse(
    (await mine.api.get(`${mine.path}/schedules?pageSize=5&pageToken=${first.nextPageToken}`).expect(200))
      .body,
  );
  expect(rest.items.map(({ name }) => name)).toEqual(['s6', 's7', 's8', 's9']);
  expect(rest.nextPageToken).toBeNull();
});

it('a page that ends with the list says so', async () => {
  const mine = await createTenant(server);
  await createSchedule(mine);
  await createSchedule(mine);
  const { body } = await mine.api.get(`${mine.path}/schedules?pageSize=2`).expect(200);
  expect(page.parse(body)).toMatchObject({ nextPageToken: null, items: [{}, {}] });
});

it('an empty list is a page without items', async () => {
  const mine = await createTenant(server);
  expect(await listRuns(mine)).toEqual([]);
  expect((await mine.api.get(`${mine.path}/schedules`).expect(200)).body).toEqual({
    items: [],
    nextPageToken: null,
  });
});

it('a token fits the question that it was given for, and no other', async () => {
  const { body } = await tenant.api.get(`${tenant.path}/runs?state=scheduled&pageSize=5`).expect(200);
  const token = page.parse(body).nextPageToken ?? '';
  await tenant.api.get(`${tenant.path}/runs?state=scheduled&pageSize=7&pageToken=${token}`).expect(200);
  for (const query of ['', 'state=queued&', 'state=succeeded&']) {
    expectProblem(
      await tenant.api.get(`${tenant.path}/runs?${query}pageToken=${token}`),
      'invalid-page-token',
    );
  }
});

it('a token is good at every replica of the installation', async () => {
  const second = await startTestServer({ databaseUrl: server.databaseUrl });
  try {
    const { nextPageToken } = await readPage('schedules', 'pageSize=5');
    await second.admin.get(`${tenant.path}/schedules?pageToken=${nextPageToken}`).expect(200);
  } finally {
    await second.stop();
  }
});
