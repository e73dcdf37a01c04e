// Do a claim of keys with a strict order, and what lists and ends the blocks of keys, walk indexes, with any
// statistics?
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tx } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { claimRuns } from '#execution/claiming/claims/claim.repository.js';
import { withdrawClaims } from '#execution/claiming/strict/strict-claim.repository.js';
import * as blocks from '#execution/settling/key-block.repository.js';
import { asId } from '#kernel/ids.js';
import { explained } from '../../support/explained.js';
import {
  describeTables,
  fillTables,
  forgetStatistics,
  pretendDrained,
  type SkewedTables,
} from '../../support/skewed-tables.js';
import { useTestDatabase } from '../../support/test-database.js';
import { wholeTables } from '../../support/whole-tables.js';

const FILLING_MS = 600_000;

const database = useTestDatabase({ per: 'file', statementTimeoutMs: FILLING_MS });
const { db } = database;
let on: SkewedTables;

beforeAll(async () => {
  await sql`analyze`.execute(db);
  await fillTables(db);
  await sql`
    insert into carillon.key_block (tenant_id, job_type, key, run_id, slot, lane)
    select tenant_id, job_type, id::text, id, slot, lane from carillon.run limit 20000`.execute(db);
  on = await describeTables(db);
}, FILLING_MS);

const tenant = () => on.tenants[0] ?? { id: asId.tenant(randomUUIDv7()), slot: asId.slot(0) };

const statements: Record<string, (tx: Tx) => Promise<unknown>> = {
  'a claim in order': (tx) =>
    claimRuns(tx, {
      claimId: asId.claim(randomUUIDv7()),
      replica: on.replica,
      lanes: on.tenants.slice(0, 100).map(({ id, slot }) => ({
        tenantId: id,
        slot,
        lane: 'default/job-1',
        quota: 1,
        epoch: 0,
        from: null,
      })),
      excluded: on.runs,
      aheadMs: 1_500,
      isStrict: true,
    }),
  'claims that are withdrawn': (tx) =>
    withdrawClaims(tx, { replica: on.replica, claimIds: [asId.claim(randomUUIDv7())] }),
  'blocks of what is put off': (tx) => blocks.blockForPutOff(tx, on.runs),
  'blocked keys': (tx) =>
    blocks.listBlockedKeys(tx, { tenantId: tenant().id, after: { jobType: 'job-1', key: 'k' }, limit: 51 }),
  'a key that is unblocked': (tx) =>
    blocks.unblockKey(tx, { tenantId: tenant().id, runId: on.runs[0] ?? asId.run(randomUUIDv7()) }),
};

describe.each(['known while they were empty', 'never analysed', 'analysed', 'known while they were drained'])(
  'on tables that are %s',
  (known) => {
    beforeAll(async () => {
      if (known === 'never analysed') await forgetStatistics(db);
      if (known === 'analysed') await sql`analyze`.execute(db);
      if (known === 'known while they were drained') await pretendDrained(db);
    }, FILLING_MS);

    it.each(Object.keys(statements))('%s read no whole table', async (name) => {
      const plans = await explained(
        { url: database.url, walksIndexes: true },
        (tx) => statements[name]?.(tx as Tx) ?? Promise.resolve(),
      );
      expect(plans.length).toBeGreaterThan(0);
      expect(plans.flatMap(wholeTables)).toEqual([]);
    });
  },
);
