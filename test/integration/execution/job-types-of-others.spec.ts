// Do the job types of other tenants cost nothing where the job type of a run is looked up?
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import type { Tx } from '#database/connection.js';
import { discoverLanes } from '#execution/claiming/claims/lane.repository.js';
import { lookAndClaim } from '#execution/claiming/claims/look-and-claim.repository.js';
import { insertAndShowRun } from '#execution/intake/new-run.repository.js';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import { findJobType, findJobTypes } from '#execution/job-types/job-type.repository.js';
import { takeIn } from '#execution/taking-in/take-in.repository.js';
import { asId } from '#kernel/ids.js';
import { findTenantAndJob } from '#server/http/access/tenant-and-job.repository.js';
import { addRuns, newRunOf } from '../../support/rows.js';
import { rowsRead } from '../../support/rows-read.js';
import { useLoneMember } from '../../support/test-member.js';

const { db, member, tenant } = useLoneMember();
const OTHERS = 300;
const RETRY = JSON.stringify(DEFAULT_RETRY);
const claimId = asId.claim(randomUUID());

const epoch = () => member.ownership.serving.get(tenant.slot) ?? -1;
const nameOf = () => sql`(select name from carillon.tenant where id = ${tenant.id})`;
const ofTenant = () => ({ tenantId: tenant.id, name: 'noop' });

async function proofOf(tx: Tx): Promise<string> {
  const { rows } = await sql<{
    name: string;
  }>`select name from carillon.tenant where id = ${tenant.id}`.execute(tx);
  const found = await findTenantAndJob(tx, { tenant: asId.tenantName(rows[0]?.name ?? ''), jobType: 'noop' });
  return found?.proof ?? '';
}

const looks: [string, (tx: Tx, proof: string) => Promise<unknown>][] = [
  ['a scan', (tx) => discoverLanes(tx, { scans: [{ slot: tenant.slot, after: null }], limit: 20 })],
  [
    'a look',
    (tx) => {
      const most = { lanesFound: 20, lanesClaimed: 20, runsOfLane: 10, aheadMs: 2_000, lateMs: 10_000 };
      const slots = [{ slot: tenant.slot, epoch: epoch() }];
      return lookAndClaim(tx, member.self(), { claimId, slots, excluded: [], ...most });
    },
  ],
  ['an attempt', (tx) => findJobTypes(tx, [ofTenant()])],
  ['a request for a job type', (tx) => findJobType(tx, ofTenant())],
  ['a request for a run', proofOf],
  [
    'an insert',
    (tx, proof) => insertAndShowRun(tx, newRunOf(tenant), { tenantId: tenant.id, jobType: 'noop', proof }),
  ],
  [
    'an insert that claims',
    (tx, proof) => {
      const assumed = { tenantId: tenant.id, jobType: 'noop', proof };
      const run = {
        run: newRunOf(tenant),
        payloadText: '{}',
        assumed,
        entry: { epoch: epoch(), mark: null },
      };
      return takeIn(tx, member.self(), { claimId, runs: [run], inHand: [] });
    },
  ],
  [
    'enqueue() with a key',
    (tx) => sql`select carillon.enqueue(${nameOf()}, 'noop', concurrency_key => 'k')`.execute(tx),
  ],
  [
    'enqueue_many()',
    (tx) => sql`select carillon.enqueue_many(${nameOf()}, 'noop', array['{}']::jsonb[])`.execute(tx),
  ],
];

it.each(looks)('%s finds the shared one by a few looks', async (_, look) => {
  await addRuns(db, tenant, 1);
  await sql`
    insert into carillon.tenant (id, name, display_name, slot)
    select gen_random_uuid(), 'other-' || n, 'Other', 0 from generate_series(1, ${sql.lit(OTHERS)}) n`.execute(
    db,
  );
  // Each other tenant has one of its own by that name, and all are before the shared one in the index.
  await sql`
    insert into carillon.job_type (id, tenant_id, name, kind, target, retry, limits, timeout_ms)
    select gen_random_uuid(), owner.id, 'noop', 'handler', '{"kind":"handler","handler":"noop"}', ${RETRY}::jsonb, '{}', 1000
      from (select id from carillon.tenant where name like 'other-%' union all select null) owner`.execute(
    db,
  );
  const proof = await db.transaction().execute(proofOf);
  await db.transaction().execute(async (tx) => {
    const read = await rowsRead(tx, '^job_type$', async () => expect(await look(tx, proof)).toBeTruthy());
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(OTHERS / 20);
    // With those of what the session did before, which are few.
    const { rows } = await sql<{ looks: number }>`
      select idx_scan::int as looks from pg_stat_xact_all_tables where relid = 'carillon.job_type'::regclass`.execute(
      tx,
    );
    expect(rows[0]?.looks).toBeLessThan(OTHERS / 20);
  });
});
