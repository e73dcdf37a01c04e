// Are runs found by what is known of them, newest first, each once, and without reading everything?
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { listRuns as listRows, scanEnd, type RunPage } from '#execution/runs/run-pages.repository.js';
import type { TenantId } from '#kernel/ids.js';
import { run as runShape } from '#server/http/runs/run.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { addTenant, openClient, openDatabase } from '../../../support/rows.js';
import { rowsRead } from '../../../support/rows-read.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  createTenant,
  finish,
  listRuns,
  secondsFromNow,
  useTenant,
} from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

const firstPage = (tenantId: TenantId): RunPage => ({
  tenantId,
  scheduleId: null,
  state: null,
  queue: null,
  jobType: null,
  tag: null,
  createdAfter: null,
  createdBefore: null,
  beforeId: null,
  fromId: null,
  limit: 51,
});

const idsOf = async (query: string, of = tenant) => (await listRuns(of, query)).map(({ id }) => id);

describe('runs are listed', () => {
  it('by queue, job type, tag and time, finished and waiting alike', async () => {
    const { name } = await createJobType(tenant);
    const runAt = secondsFromNow(3_600);
    const plain = await finish(tenant);
    const tagged = await finish(tenant, { jobType: 'echo', tags: ['a', 'b/c d'] });
    const waiting = await createRun(tenant, { jobType: name, queue: 'mail', tags: ['a'], runAt });
    expect(await idsOf('?tag=a')).toEqual([waiting.id, tagged.id]);
    expect(await idsOf(`?tag=${encodeURIComponent('b/c d')}`)).toEqual([tagged.id]);
    expect(await idsOf('?tag=A')).toEqual([]);
    expect(await idsOf('?queue=mail')).toEqual([waiting.id]);
    expect(await idsOf('?queue=default')).toEqual([tagged.id, plain.id]);
    expect(await idsOf(`?jobType=${name}`)).toEqual([waiting.id]);
    expect(await idsOf('?jobType=echo&tag=a&state=succeeded')).toEqual([tagged.id]);
    expect(await idsOf('?jobType=echo&state=scheduled')).toEqual([]);
    expect(await idsOf(`?createdAfter=${tagged.createdAt}`)).toEqual([waiting.id, tagged.id]);
    expect(await idsOf(`?createdBefore=${tagged.createdAt}`)).toEqual([plain.id]);
    expect(await idsOf(`?createdAfter=${tagged.createdAt}&createdBefore=${waiting.createdAt}`)).toEqual([
      tagged.id,
    ]);
  });

  it('with a token that fits its own filter alone', async () => {
    const mine = await createTenant(server);
    for (let count = 0; count < 3; count += 1)
      await createRun(mine, { tags: ['x'], runAt: secondsFromNow(3_600) });
    const { body } = await mine.api.get(`${mine.path}/runs?tag=x&pageSize=2`).expect(200);
    const { nextPageToken } = z.object({ nextPageToken: z.string() }).parse(body);
    expect(await idsOf(`?tag=x&pageSize=2&pageToken=${nextPageToken}`, mine)).toHaveLength(1);
    expectProblem(
      await mine.api.get(`${mine.path}/runs?tag=y&pageToken=${nextPageToken}`),
      'invalid-page-token',
    );
  });

  it.each(['queue=A', 'jobType=a%20b', 'tag=', 'createdAfter=yesterday', 'createdBefore=1', 'label=a'])(
    'but not by %s',
    async (query) => {
      expect(expectFields(await tenant.api.get(`${tenant.path}/runs?${query}`))).toEqual([
        `?${query.split('=')[0]}`,
      ]);
    },
  );
});

/** Far more runs than a page looks at, with a rare tag every so often; the older half has ended. */
let crowds = 0;

async function crowd(count: number): Promise<{ id: TenantId; rare: string[] }> {
  const db = openDatabase(server.databaseUrl);
  const client = await openClient(server.databaseUrl);
  const { id, slot } = await addTenant(db);
  crowds += 1;
  const first = crowds * 1_000_000;
  await client.query(
    `insert into carillon.run (id, tenant_id, slot, job_type, payload, run_at, tags, created_at)
     select (lpad(to_hex(n), 12, '0') || '70008000000000000000')::uuid, $1, $2, 'noop', '{}', '2099-01-01Z',
            case when n % 7000 = 0 then array['rare'] end, clock_timestamp()
       from generate_series($3::int, $4::int) n`,
    [id, slot, first, first + count],
  );
  await client.query(
    `with ended as (delete from carillon.run where tenant_id = $1 and id < (lpad(to_hex($2::int), 12, '0') || '70008000000000000000')::uuid returning *)
     insert into carillon.run_history (id, tenant_id, slot, job_type, payload, priority, run_at, attempt, created_at, tags, outcome, finished_at)
     select id, tenant_id, slot, job_type, payload, priority, run_at, attempt, created_at, tags,
            case when tags is null then 'succeeded' else 'failed' end, clock_timestamp() from ended`,
    [id, first + count / 2],
  );
  await client.query('analyze carillon.run; analyze carillon.run_history');
  const { rows } = await client.query<{ id: string }>(
    `select id from (select id, tags from carillon.run where tenant_id = $1 union all select id, tags from carillon.run_history where tenant_id = $1) r
      where tags @> array['rare'] order by id desc`,
    [id],
  );
  return { id, rare: rows.map((row) => row.id) };
}

describe('in a crowd', () => {
  it('rare runs are found page by page, each once, and no page looks at everything', async () => {
    const { id, rare } = await crowd(60_000);
    expect(rare.length).toBeGreaterThan(6);
    const client = await openClient(server.databaseUrl);
    const { rows } = await client.query<{ name: string }>('select name from carillon.tenant where id = $1', [
      id,
    ]);
    const path = `/api/v1/tenants/${rows[0]?.name}/runs?tag=rare&pageSize=2`;
    const found: string[] = [];
    let pages = 0;
    for (let token: string | null = ''; token !== null; pages += 1) {
      const { body } = await server.admin
        .get(`${path}${token === '' ? '' : `&pageToken=${token}`}`)
        .expect(200);
      const page: { items: { id: string }[]; nextPageToken: string | null } = z
        .object({ items: z.array(runShape), nextPageToken: z.string().nullable() })
        .parse(body);
      expect(page.items.length).toBeLessThanOrEqual(2);
      found.push(...page.items.map((run) => run.id));
      token = page.nextPageToken;
    }
    expect(found).toEqual(rare);
    expect(pages).toBeGreaterThan(4);
  });

  it('what has an index is found at once, however many there are', async () => {
    const { id, rare } = await crowd(40_000);
    const db = openDatabase(server.databaseUrl);
    const page: RunPage = { ...firstPage(id), state: 'failed' };
    expect(await scanEnd(db, page)).toBeNull();
    const failed = (await listRows(db, page)).rows.map((row) => row.id);
    expect(failed.length).toBeGreaterThan(1);
    expect(failed.every((found) => rare.includes(found))).toBe(true);
  });

  it('a page reads hardly more rows than it shows, and with filters no more than it may', async () => {
    const { id } = await crowd(160_000);
    const db = openDatabase(server.databaseUrl);
    const read = (wish: Partial<RunPage>) =>
      db.transaction().execute((tx) =>
        rowsRead(tx, '^run(_history.*)?$', async () => {
          const page = { ...firstPage(id), ...wish };
          await listRows(tx, { ...page, fromId: await scanEnd(tx, page) });
        }),
      );
    expect(await read({})).toBeLessThan(500);
    expect(await read({ state: 'failed' })).toBeLessThan(500);
    expect(await read({ state: 'scheduled' })).toBeLessThan(25_000);
    expect(await read({ tag: 'rare' })).toBeLessThan(45_000);
    expect(await read({ queue: 'without-runs' })).toBeLessThan(45_000);
  });
});
