// Does a list of schedules with a filter walk along the names of one tenant, and read no schedule of another and no more
// than a page may look at?
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tx } from '#database/connection.js';
import * as lists from '#scheduling/schedules/schedule-list.repository.js';
import { explained, nodesOf } from '../../support/explained.js';
import { addTenant } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';

const SCHEDULES = 10_000;
const SPEC = '{"kind":"every","seconds":60,"anchorAt":"2026-01-01T00:00:00.000Z"}';
const FILTER = {
  labels: [
    { key: 'team', value: 'billing' },
    { key: 'stage', value: null },
  ],
  state: 'active',
  jobType: 'noop',
  nameHas: 'RARE',
} as const;

const database = useTestDatabase({ per: 'file', maxConnections: 1 });
const { db } = database;
let tenantId: Awaited<ReturnType<typeof addTenant>>['id'];

beforeAll(async () => {
  for (let count = 0; count < 3; count += 1) {
    const { id, slot } = await addTenant(db);
    tenantId = id;
    await sql`
      insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, labels, next_due_at)
      select gen_random_uuid(), ${id}, ${slot}, 'rare-' || lpad(n::text, 5, '0'), 'noop', ${SPEC}::jsonb,
             case when n % 1000 = 0 then '{"team":"billing","stage":""}' else '{"team":"sales"}' end::jsonb, now() + interval '1 day'
        from generate_series(1, ${SCHEDULES}::int) n`.execute(db);
  }
});

const page = () => ({ tenantId, filter: FILTER, afterName: null, lastName: null, limit: 51 });
const all = () => ({ ...page(), filter: lists.EVERY_SCHEDULE });
const statements: Record<string, (tx: Tx) => Promise<unknown>> = {
  'a page without a filter': (tx) => lists.listSchedules(tx, all()),
  'a page': (tx) => lists.listSchedules(tx, page()),
  'the end of a page': (tx) => lists.lookedUntilName(tx, { tenantId, afterName: 'rare-0' }),
  'the names of all': (tx) => lists.namesOfMatching(tx, { ...page(), limit: 10_001 }),
};

describe.each(['never analysed', 'analysed'])('a list of schedules that were %s', (known) => {
  beforeAll(async () => {
    if (known === 'analysed') await sql`analyze carillon.schedule`.execute(db);
  });

  it.each(Object.keys(statements))('walks along the names of its tenant: %s', async (name) => {
    const plans = await explained(
      { url: database.url, walksIndexes: false },
      (tx) => statements[name]?.(tx as Tx) ?? Promise.resolve(),
    );
    const scans = plans.flatMap(({ plan }) =>
      nodesOf(plan).filter((node) => node['Relation Name'] === 'schedule'),
    );
    const walked = new Set(scans.map((node) => node['Index Name']));
    expect(walked).toEqual(new Set(['schedule_tenant_id_name_key']));
    for (const scan of scans) expect(scan['Index Cond']).toContain('tenant_id = ');
  });

  it('finds those that match, and ends where a page may look no further', async () => {
    const { rows } = await lists.listSchedules(db, page());
    expect(rows.map(({ name }) => name)).toEqual(
      Array.from({ length: 10 }, (_, n) => `rare-${String((n + 1) * 1_000).padStart(5, '0')}`),
    );
    expect(await lists.lookedUntilName(db, { tenantId, afterName: null })).toBe('rare-10000');
    expect(await lists.lookedUntilName(db, { tenantId, afterName: 'rare-00001' })).toBeNull();
    const until = await lists.listSchedules(db, { ...page(), lastName: 'rare-02999' });
    expect(until.rows).toHaveLength(2);
  });
});
