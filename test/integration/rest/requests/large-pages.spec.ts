// Is a page of large rows short, and is the list still read to its end, each row once? Rows are as large as tenants make
// them; a page of 200 of the largest would stop the replica for everyone while it is read and written.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PAGE_BYTES_MAX } from '#database/fitting-page.repository.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  createSchedule,
  createTenant,
  secondsFromNow,
  type TestTenant,
} from '../../../support/test-tenant.js';

const server = useTestServer();

const page = z.object({
  items: z.array(z.looseObject({ id: z.string().optional(), name: z.string().optional() })),
  nextPageToken: z.string().nullable(),
});

/** Packs well in the database: only its text is long. */
const LARGE = 'é'.repeat(130_000);
const LARGEST = Buffer.byteLength(JSON.stringify(LARGE));

async function pagesOf(
  { api, path }: TestTenant,
  list: string,
): Promise<{ bytes: number; keys: string[] }[]> {
  const pages: { bytes: number; keys: string[] }[] = [];
  for (let token: string | null = ''; token !== null;) {
    const answer = await api
      .get(`${path}/${list}pageSize=200${token === '' ? '' : `&pageToken=${token}`}`)
      .expect(200);
    const { items, nextPageToken } = page.parse(answer.body);
    pages.push({
      bytes: Buffer.byteLength(answer.text),
      keys: items.map(({ id, name }) => id ?? name ?? ''),
    });
    token = nextPageToken;
  }
  return pages;
}

const LISTS = {
  'runs?tag=big&': async (tenant: TestTenant) =>
    (
      await createRun(tenant, {
        payload: { text: LARGE },
        tags: ['big'],
        runAt: secondsFromNow(3_600),
      })
    ).id,
  'schedules?': async (tenant: TestTenant) => (await createSchedule(tenant, { payload: { text: LARGE } })).id,
  'worker/workers?': async (tenant: TestTenant) => {
    const { name } = await createJobType(tenant, { target: { kind: 'pull' } });
    const labels = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [`${n}`.padStart(200, 'é'), 'é'.repeat(200)]),
    );
    const { body } = await tenant.api
      .post(`${tenant.path}/worker/workers:register`)
      .send({ name: 'large', jobTypes: [{ name }], labels })
      .expect(200);
    return z.object({ workerId: z.uuid() }).parse(body).workerId;
  },
} as const;

describe.each(Object.entries(LISTS))('%s of large rows', (list, create) => {
  it('is read in pages that are bounded in bytes, each row once', async () => {
    const tenant = await createTenant(server);
    const made: string[] = [];
    for (let count = 0; count < 16; count += 1) made.push(await create(tenant));
    const pages = await pagesOf(tenant, list);
    expect(pages.flatMap(({ keys }) => keys).toSorted()).toEqual(made.toSorted());
    expect(pages.length).toBeGreaterThan(1);
    for (const { bytes, keys } of pages) {
      expect(keys.length).toBeGreaterThan(0);
      expect(bytes).toBeLessThan(PAGE_BYTES_MAX + LARGEST + 20_000);
    }
  });
});

it('job types with large schemas are read in pages that are bounded in bytes', async () => {
  const tenant = await createTenant(server);
  const schema = { type: 'object', description: 'é'.repeat(30_000) };
  for (let count = 0; count < 16; count += 1)
    await createJobType(tenant, { payloadSchema: schema, outputSchema: schema });
  const pages = await pagesOf(tenant, 'job-types?');
  const names = pages.flatMap(({ keys }) => keys);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name.startsWith('job-'))).toHaveLength(16);
  expect(pages.length).toBeGreaterThan(1);
  expect(Math.max(...pages.map(({ bytes }) => bytes))).toBeLessThan(PAGE_BYTES_MAX + LARGEST);
});
