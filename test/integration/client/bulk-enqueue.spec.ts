// Is a run that comes in with many others the same as one that comes alone? Created one by one and by one call, runs with
// any options are compared, and so is what is said of mistakes; and two calls that want the same keys must both end.
import fc from 'fast-check';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bulkEnqueue, enqueue, type BulkRun } from '#client/jobs/enqueue.js';
import { defineJob } from '#client/jobs/job-definition.js';
import { openClient } from '../../support/rows.js';
import { tenantWithJobs } from '../../support/bulk-scene.js';
import { useTestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';

const database = useTestDatabase({ per: 'file' });
const jobs = ['plain', 'skipping', 'in-order'].map((name) => defineJob({ name, payload: z.unknown() }));

/** What is stored, but for ids and the instants of the calls. */
async function storedRuns(client: pg.Client, tenant: string, ids: readonly string[]): Promise<unknown[]> {
  const { rows } = await client.query<{ id: string }>(
    `select r.id, r.job_type, r.queue, r.lane, r.concurrency_key, r.tags, r.payload::text, r.priority, r.deadline, r.slot = t.slot as "isPlaced",
            case when r.run_at >= '2090-01-01' then r.run_at end as run_at, r.unique_key, r.unique_window::text,
            u.run_id = r.id as "hasKey", u.expires_at is null as "isUntilEnd", r.debounce_key
       from carillon.run r
       join carillon.tenant t on t.id = r.tenant_id
       left join carillon.unique_key u on u.tenant_id = t.id and u.key = r.unique_key
      where t.name = $1`,
    [tenant],
  );
  return rows
    .map(({ id, ...run }) => ({ place: ids.indexOf(id), run }))
    .toSorted((a, b) => a.place - b.place);
}

const years = { noInvalidDate: true, min: new Date('2091-01-01'), max: new Date('2092-01-01') };
const text = (maxLength: number) => fc.string({ minLength: 1, maxLength, unit: 'grapheme' });
/** Great numbers have a test of their own. */
const storable = fc
  .jsonValue()
  .filter((value) => !/\\u0000|\\ud[89a-f]|\d{16}|e\+/.test(JSON.stringify(value)));
const overlaps = fc.constantFrom(
  { mode: 'allow' as const },
  { mode: 'latest' as const },
  { mode: 'queue' as const, max: 7 },
);
const plainRun = fc.record(
  {
    payload: storable,
    runAt: fc.date(years),
    queue: fc.constantFrom('default', 'mail', 'a.b'),
    priority: fc.integer({ min: -100, max: 100 }),
    tags: fc.array(text(20), { maxLength: 4 }),
    deadline: fc.date({ ...years, min: new Date('2093-01-01'), max: new Date('2094-01-01') }),
    unique: fc.record(
      {
        key: fc.oneof(fc.constantFrom('held', 'a', 'b'), text(30)),
        windowSeconds: fc.integer({ min: 60, max: 10_000 }),
        onConflict: fc.constant('return' as const),
      },
      { requiredKeys: ['key'] },
    ),
    concurrencyKey: text(90),
  },
  { requiredKeys: ['payload'] },
);
const keyedRun = fc
  .tuple(plainRun, text(90), overlaps, fc.constantFrom('any' as const, 'strict' as const, undefined))
  .map(([run, concurrencyKey, overlap, order]) => ({
    ...run,
    concurrencyKey,
    ...(order === 'strict' ? { order } : { overlap, ...(order === undefined ? {} : { order }) }),
  }));
const debouncedRun = plainRun.map(({ payload, tags }) => ({
  payload,
  ...(tags === undefined ? {} : { tags }),
  debounce: { key: 'd', delaySeconds: 60, maxDelaySeconds: 600 },
}));
const givenRuns = fc.oneof(
  { weight: 4, arbitrary: fc.array(plainRun, { minLength: 1, maxLength: 12 }) },
  { weight: 4, arbitrary: fc.array(fc.oneof(plainRun, keyedRun), { minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.array(fc.oneof(plainRun, debouncedRun), { minLength: 1, maxLength: 6 }) },
) as fc.Arbitrary<BulkRun<unknown>[]>; // options that are left out are left out

describe('bulkEnqueue()', () => {
  it('makes the runs that as many calls of enqueue() make, and answers alike', async () => {
    const client = await openClient(database.url);
    await fc.assert(
      fc.asyncProperty(givenRuns, fc.constantFrom(...jobs), async (runs, job) => {
        const [alone, together] = [await tenantWithJobs(database.db), await tenantWithJobs(database.db)];
        const seen = [];
        for (const tenant of [alone, together]) {
          const before = await enqueue(client, job, 0, { tenant, unique: { key: 'held' } });
          const ids: string[] = [];
          if (tenant === together) ids.push(...(await bulkEnqueue(client, job, runs, { tenant })));
          else
            for (const { payload, ...run } of runs)
              ids.push(await enqueue(client, job, payload, { ...run, tenant }));
          seen.push({
            runs: await storedRuns(client, tenant, ids),
            places: ids.map((id) => (id === before ? 'held' : ids.indexOf(id))),
          });
        }
        expect(seen[1]).toEqual(seen[0]);
      }),
      { numRuns: 60 },
    );
  });

  it('makes ten thousand by one call, in the order given', async () => {
    const client = await openClient(database.url);
    const tenant = await tenantWithJobs(database.db);
    const runs = Array.from({ length: 10_000 }, (_, n) => ({
      payload: n,
      unique: { key: `k${n % 9_000}` },
      tags: ['t'],
    }));
    const [job = defineJob({ name: 'none', payload: z.unknown() })] = jobs;
    const ids = await bulkEnqueue(client, job, runs, { tenant });
    expect(ids.slice(9_000)).toEqual(ids.slice(0, 1_000));
    const made = ids.slice(0, 9_000);
    expect(made.toSorted()).toEqual(made);
    expect(made.every((id) => z.uuidv7().safeParse(id).success)).toBe(true);
    const { rows } = await client.query(
      `select payload::int as n from carillon.run r join carillon.tenant t on t.id = r.tenant_id where t.name = $1 order by r.id`,
      [tenant],
    );
    expect(rows.map(({ n }: { n: number }) => n)).toEqual(Array.from(made, (_, n) => n));
    expect(await bulkEnqueue(client, job, runs, { tenant })).toEqual(ids);
  });

  it('lets two calls with the same keys in another order both end', async () => {
    const [first, second, holder] = [
      await openClient(database.url),
      await openClient(database.url),
      await openClient(database.url),
    ];
    const tenant = await tenantWithJobs(database.db);
    const [job = defineJob({ name: 'none', payload: z.unknown() })] = jobs;
    const runs = ['a', 'm', 'z'].map((key) => ({ payload: key, unique: { key } }));
    await holder.query('begin');
    await enqueue(holder, job, 'm', { tenant, unique: { key: 'm' } });
    const one = bulkEnqueue(first, job, runs, { tenant });
    const other = bulkEnqueue(second, job, runs.toReversed(), { tenant });
    const watcher = await openClient(database.url);
    await until('both wait', async () => {
      const { rows } = await watcher.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length === 2;
    });
    await holder.query('rollback');
    expect(await other).toEqual((await one).toReversed());
  });

  it('names the payload that the database can not hold, before anything is written', async () => {
    const client = await openClient(database.url);
    const tenant = await tenantWithJobs(database.db);
    const [job = defineJob({ name: 'none', payload: z.unknown() })] = jobs;
    await client.query('begin');
    const expected = 'expected /1/payload to have only texts without NUL characters or lone surrogates, got ';
    for (const { bad, shown } of [
      { bad: 'a\0', shown: '\\u0000' },
      { bad: { '\\\ud800': 1 }, shown: '\\ud800' },
    ]) {
      const runs = [{ payload: '\\u0000 😀' }, { payload: bad }];
      await expect(bulkEnqueue(client, job, runs, { tenant })).rejects.toThrow(expected + shown);
    }
    const ids = await bulkEnqueue(client, job, [{ payload: '\\u0000 😀' }, { payload: '\\\\ud800' }], {
      tenant,
    });
    await client.query('commit');
    expect((await storedRuns(client, tenant, ids)).length).toBe(2);
  });
});
