// Does the ledger say what became of each due time?
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fire } from '#server/http/schedules/schedule.shapes.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import {
  createSchedule,
  createTenant,
  listFires,
  type Fire,
  type Schedule,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

let tenant: TestTenant;

const server = useTestServer();

const fires = (schedule: Schedule, query = '?pageSize=200') => listFires(tenant, schedule.name, query);

describe('the ledger of a schedule that was deleted', () => {
  it('stays, is read by the id, and is told apart from that of a new one with the same name', async () => {
    tenant = await createTenant(server);
    const former = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    const decided = (rows: Fire[]) => rows.filter(({ outcome }) => outcome === 'fired');
    const fired = await until('it has fired', async () => {
      const rows = decided(await fires(former));
      return rows.length > 0 && rows;
    });
    const path = `${tenant.path}/schedules/${former.name}`;
    await tenant.api.delete(path).set('If-Match', '*').expect(204);
    const refused = expectProblem(await tenant.api.get(`${path}/fires`), 'not-found');
    expect(refused.detail).toContain('by its id');
    expect(decided(await listFires(tenant, former.id, '?pageSize=200'))).toEqual(
      expect.arrayContaining(fired),
    );
    expect(decided(await listFires(tenant, former.id.toUpperCase(), '?pageSize=200'))).toEqual(
      expect.arrayContaining(fired),
    );
    const hiding = { name: former.id, spec: { everySeconds: 60 }, jobType: 'noop' };
    expect(expectFields(await tenant.api.post(`${tenant.path}/schedules`).send(hiding))).toEqual(['/name']);
    const next = await createSchedule(tenant, { name: former.name });
    expect(next.id).not.toBe(former.id);
    expect(decided(await fires(next))).toEqual([]);
    const stranger = await createTenant(server);
    expectProblem(await stranger.api.get(`${stranger.path}/schedules/${former.id}/fires`), 'not-found');
  });
});

describe('the ledger', () => {
  let schedule: Schedule;
  let all: Fire[];

  beforeAll(async () => {
    tenant = await createTenant(server);
    schedule = await createSchedule(tenant, { spec: { everySeconds: 1 } });
    // The planner looks ten seconds ahead, so there are ten rows at once.
    all = await until('ten due times are planned', async () => {
      const rows = await fires(schedule);
      return rows.length >= 10 && rows;
    });
  });

  it('is read from the newest due time to the oldest', () => {
    const due = all.map(({ dueAt }) => dueAt);
    expect(due).toEqual(due.toSorted().toReversed());
  });

  it('is read page by page without loss or repetition while it grows', async () => {
    const paged: Fire[] = [];
    let token: string | null = '';
    while (token !== null) {
      const query = token === '' ? '?pageSize=3' : `?pageSize=3&pageToken=${token}`;
      const { body } = await tenant.api
        .get(`${tenant.path}/schedules/${schedule.name}/fires${query}`)
        .expect(200);
      const page = z.object({ items: z.array(fire), nextPageToken: z.string().nullable() }).parse(body);
      expect(page.items.length).toBeLessThanOrEqual(3);
      paged.push(...page.items);
      token = page.nextPageToken;
    }
    const due = paged.map(({ dueAt }) => dueAt);
    expect(new Set(due).size).toBe(due.length);
    expect(due).toEqual(expect.arrayContaining(all.map(({ dueAt }) => dueAt)));
  });

  it('is read from an instant, inclusive, to another, exclusive', async () => {
    const [to, , , from] = all.map(({ dueAt }) => dueAt);
    const rows = await fires(schedule, `?from=${from}&to=${to}`);
    expect(rows.map(({ dueAt }) => dueAt)).toEqual(all.slice(1, 4).map(({ dueAt }) => dueAt));
  });

  it('is read by instants with any offset', async () => {
    const [, { dueAt } = { dueAt: '' }] = all;
    const inTokyo = `${new Date(Date.parse(dueAt) + 9 * 3_600_000).toISOString().slice(0, -1)}+09:00`;
    const end = new Date(Date.parse(dueAt) + 1).toISOString();
    expect(
      (await fires(schedule, `?from=${encodeURIComponent(inTokyo)}&to=${end}`)).map((row) => row.dueAt),
    ).toEqual([dueAt]);
  });

  it.each([
    ['from=yesterday', '?from'],
    ['to=2099-02-30T00:00:00Z', '?to'],
    ['from=', '?from'],
    ['since=2099-01-01T00:00:00Z', '?since'],
    ['pageSize=0', '?pageSize'],
    ['from=2099-01-01T00:00:00Z&from=2099-01-01T00:00:00Z', '?from'],
  ])('is not read by %s', async (query, field) => {
    expect(
      expectFields(await tenant.api.get(`${tenant.path}/schedules/${schedule.name}/fires?${query}`)),
    ).toEqual([field]);
  });

  it('gives no page to a token of another span of time', async () => {
    const from = all.at(-1)?.dueAt ?? '';
    const { body } = await tenant.api
      .get(`${tenant.path}/schedules/${schedule.name}/fires?pageSize=1&from=${from}`)
      .expect(200);
    const { nextPageToken } = z.object({ nextPageToken: z.string() }).parse(body);
    const response = await tenant.api.get(
      `${tenant.path}/schedules/${schedule.name}/fires?pageSize=1&pageToken=${nextPageToken}`,
    );
    expectProblem(response, 'invalid-page-token');
  });
});

describe('a folded ledger', () => {
  it('shows neighbours of one outcome and reason as one, and what has a run by itself', async () => {
    tenant = await createTenant(server);
    const { id, name } = await createSchedule(tenant);
    await sql`
      insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, reason, run_id, term)
      select s.id, timestamptz '2026-01-01 00:00:00+00' + n * interval '1 s', s.tenant_id,
             case when n between 5 and 11000 then 'coalesced' when n < 8 then 'skipped' else 'fired' end,
             case when n between 5 and 11000 then 'outage' when n < 8 then 'paused' end,
             case when n > 11000 then gen_random_uuid() end, 1
        from carillon.schedule s cross join generate_series(1, 11003) n where s.id = ${id}`.execute(
      openDatabase(server.databaseUrl),
    );
    const list = async (query: object) => {
      const path = `${tenant.path}/schedules/${name}/fires`;
      const { body } = await tenant.api
        .get(path)
        .query({ folded: true, ...query })
        .expect(200);
      return z.object({ items: z.array(fire), nextPageToken: z.string().nullable() }).parse(body);
    };
    const { items, nextPageToken: pageToken } = await list({});
    expect(items.map(({ outcome, count }) => [outcome, count])).toEqual([
      ['fired', 1],
      ['fired', 1],
      ['fired', 1],
      ['coalesced', 9_997],
    ]);
    expect(items.at(-1)).toMatchObject({
      dueAt: '2026-01-01T03:03:20.000Z',
      firstDueAt: '2026-01-01T00:16:44.000Z',
      runId: null,
    });
    const rest = await list({ pageToken });
    expect(rest.items.map(({ outcome, reason, count }) => [outcome, reason, count])).toEqual([
      ['coalesced', 'outage', 999],
      ['skipped', 'paused', 4],
    ]);
    expect(rest.nextPageToken).toBeNull();
    const skipped = await list({ outcome: 'skipped', to: '2026-01-01T01:00:00Z' });
    expect(skipped.items.map(({ count }) => count)).toEqual([4]);
    const wrong = await tenant.api.get(`${tenant.path}/schedules/${name}/fires?folded=1`);
    expect(expectFields(wrong)).toEqual(['?folded']);
  });
});

describe('one outcome', () => {
  it('is found in pages that look at a bounded number of rows, however rare it is', async () => {
    tenant = await createTenant(server);
    const { id, name } = await createSchedule(tenant);
    await sql`
      insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, term)
      select s.id, timestamptz '2026-01-01 00:00:00+00' + n * interval '1 s', s.tenant_id, case when n in (3, 15000) then 'missed' else 'fired' end, 1
        from carillon.schedule s cross join generate_series(1, 25000) n where s.id = ${id}`.execute(
      openDatabase(server.databaseUrl),
    );
    const page = z.object({ items: z.array(fire), nextPageToken: z.string().nullable() });
    const pages: string[][] = [];
    for (let token: string | null = ''; token !== null;) {
      const query = { outcome: 'missed', ...(token === '' ? {} : { pageToken: token }) };
      const { body } = await tenant.api
        .get(`${tenant.path}/schedules/${name}/fires`)
        .query(query)
        .expect(200);
      const { items, nextPageToken } = page.parse(body);
      pages.push(items.map(({ dueAt }) => dueAt));
      token = nextPageToken;
    }
    expect(pages).toEqual([[], ['2026-01-01T04:10:00.000Z'], ['2026-01-01T00:00:03.000Z']]);
    const wrong = await tenant.api.get(`${tenant.path}/schedules/${name}/fires?outcome=lost`);
    expect(expectFields(wrong)).toEqual(['?outcome']);
  });
});
