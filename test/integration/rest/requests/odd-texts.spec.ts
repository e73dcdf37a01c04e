// Can a text that means something to SQL, to LIKE or to a shell widen what a request finds? Every text that a list takes
// to choose by, read from the description, is sent as such, and none finds anything that it does not name. A key of
// another tenant's, for one run or one request, stands in no other request's way.
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { operationsOf, readDescription } from '../../../support/api-description.js';
import { expectFields } from '../../../support/expect-problem.js';
import { openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createRun,
  createTenant,
  listRuns,
  secondsFromNow,
  useTenant,
  type TestTenant,
} from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

beforeAll(async () => {
  for (const tag of ['plain', 'a_c', 'abc'])
    await createRun(tenant, { tags: [tag], queue: 'mail', runAt: LATER });
});

const LATER = secondsFromNow(3_600);
const TEXTS = [
  "'",
  "''",
  `"`,
  '\\',
  "\\'",
  '%',
  '_',
  '%%',
  'a%',
  '*',
  '.*',
  "' or '1'='1",
  "' or 1=1 --",
  "'; drop table carillon.run; --",
  '$$; drop table carillon.run; $$',
  '$1',
  "plain' || '",
  'plain/*',
  'plain\\',
  '{plain}',
  '{"plain","abc"}',
  '(select tag)',
  "E'\\x70'",
  '\u2019 or 1=1 --',
  'null',
  'NULL',
  'default',
];

interface Choice {
  path: string;
  name: string;
  /** As described. */
  kind: unknown;
}

/** What a list is asked to choose by, of which each tenant makes up the texts. */
async function choices(): Promise<Choice[]> {
  return operationsOf(await readDescription(server))
    .filter(({ method, path }) => method === 'get' && path.startsWith('/api/v1/tenants/{tenant}'))
    .flatMap(({ path, parameters }) =>
      parameters
        .filter((parameter) => parameter.in === 'query')
        .map(({ name, schema }) => ({ path, name, kind: schema?.['type'] })),
    );
}

describe('a text', () => {
  it('of any kind finds in a list nothing that it does not name', async () => {
    const all = await choices();
    expect(all.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['schedule', 'queue', 'jobType', 'tag', 'state', 'pageToken']) as unknown,
    );
    const tables = () =>
      sql`select count(*) as runs from carillon.run`.execute(openDatabase(server.databaseUrl));
    const before = await tables();
    for (const { path, name } of all) {
      for (const text of TEXTS) {
        const at = path.replace('{tenant}', tenant.name).replaceAll(/\{\w+\}/g, 'nothing');
        const { status, body } = await tenant.api.get(at).query({ [name]: text });
        const found = (body as { items?: unknown[] }).items ?? [];
        expect({ at, name, text, status, found }).toMatchObject({
          status: expect.toSatisfy((given: number) => [200, 400, 404, 422].includes(given)) as unknown,
          found: [],
        });
      }
    }
    expect((await tables()).rows).toEqual(before.rows);
  });

  it('that is no number in digits is none, although JavaScript would read one', async () => {
    const numbers = (await choices()).filter(({ kind }) => kind === 'integer' || kind === 'number');
    const names = ['after', 'limit', 'pageSize', 'wait'];
    expect(numbers.map(({ name }) => name)).toEqual(expect.arrayContaining(names) as unknown);
    const { id } = await createRun(tenant, { runAt: LATER });
    for (const { path, name } of numbers) {
      const at = path.replace('{tenant}', tenant.name).replaceAll(/\{\w+\}/g, id);
      for (const text of ['', ' 5', '5 ', '1e1', '0x5', '0b1', '+5', '5.', '.5', '1_0', 'true', 'null', '٥'])
        expect(expectFields(await tenant.api.get(at).query({ [name]: text })), text).toEqual([`?${name}`]);
      expect([200, 404], at).toContain((await tenant.api.get(at).query({ [name]: '5' })).status);
    }
  });

  it('that is a tag finds what has that very tag', async () => {
    for (const [index, tag] of TEXTS.entries()) {
      const { id } = await createRun(tenant, { tags: [tag, `number-${index}`], runAt: LATER });
      const found = await listRuns(tenant, `?tag=${encodeURIComponent(tag)}`);
      expect(
        found.map((run) => run.id),
        tag,
      ).toEqual([id]);
    }
  });

  it('in the filter of many acts on nothing that it does not name', async () => {
    const mine = await createTenant(server);
    const { id } = await createRun(mine, { tags: ['plain'], runAt: LATER });
    for (const tag of TEXTS) {
      const { body } = await mine.api.post(`${mine.path}/runs:cancel`).send({ filter: { tag } }).expect(200);
      expect(body, tag).toMatchObject({ cancelled: 0, requested: 0 });
    }
    await mine.api
      .post(`${mine.path}/runs:cancel`)
      .send({ filter: { tag: 'plain' } })
      .expect(200);
    expect((await listRuns(mine)).map((run) => [run.id, run.state])).toEqual([[id, 'cancelled']]);
  });
});

describe("another tenant's", () => {
  it.each(['shared', ...TEXTS])('unique key %j keeps no run from being made (I10)', async (key) => {
    const [first, second] = [await createTenant(server), await createTenant(server)];
    const wish = { runAt: LATER, unique: { key, onConflict: 'reject' } };
    const { id } = await createRun(first, wish);
    expect((await createRun(second, wish)).id).not.toBe(id);
    const again = await second.api.post(`${second.path}/runs`).send({ jobType: 'noop', ...wish });
    expect(again.status).toBe(409);
    expect(JSON.stringify(again.body)).not.toContain(id);
  });

  it.each(['shared', '%', "' or 1=1 --", '$1', '[admin, null]'])(
    'Idempotency-Key %j is answered with nothing of its (I10)',
    async (key) => {
      const tenants = [await createTenant(server), await createTenant(server)] as const;
      const send = ({ api, path }: TestTenant, tag: string) =>
        api
          .post(`${path}/runs`)
          .set('Idempotency-Key', `"${key}"`)
          .send({ jobType: 'noop', runAt: LATER, tags: [tag] });
      const [first, second] = [await send(tenants[0], 'one'), await send(tenants[1], 'two')];
      expect([first.status, second.status]).toEqual([201, 201]);
      expect(second.headers).not.toHaveProperty('idempotency-replayed');
      expect((second.body as { id: string }).id).not.toBe((first.body as { id: string }).id);
      const again = await send(tenants[1], 'two');
      expect(again.headers['idempotency-replayed']).toBe('true');
      expect(again.body).toEqual(second.body);
    },
  );
});
