// Do runs that are due much later cost those nothing that are due now, though they stand in one lane with them?
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import type { Tx } from '#database/connection.js';
import { claimRuns } from '#execution/claiming/claims/claim.repository.js';
import { lookAndClaim } from '#execution/claiming/claims/look-and-claim.repository.js';
import { asId } from '#kernel/ids.js';
import { storedKeyOf } from '#kernel/keys/key-overlap.js';
import { addRuns } from '../../support/rows.js';
import { rowsRead } from '../../support/rows-read.js';
import { useLoneMember } from '../../support/test-member.js';

const { db, member, tenant } = useLoneMember();
const DELAYED = 5_000;
const claimId = asId.claim(randomUUID());
const strictKey = storedKeyOf('k', undefined, 'strict');

interface Case {
  concurrencyKey?: string;
  act: (
    tx: Tx,
    slot: { slot: typeof tenant.slot; epoch: number },
  ) => Promise<{ runs: readonly unknown[] } | null>;
}

const claimOf = (lane: string, isStrict: boolean): Case['act'] => {
  return (tx, { slot, epoch }) => {
    const lanes = [{ slot, epoch, tenantId: tenant.id, lane, quota: 10, from: null }];
    const { replica } = member.self();
    return claimRuns(tx, { claimId, replica, lanes, excluded: [], aheadMs: 2_000, isStrict });
  };
};

it.each<[string, Case]>([
  ['a claim', { act: claimOf('default/noop', false) }],
  ['a claim in order', { concurrencyKey: strictKey, act: claimOf(`default/noop/${strictKey}`, true) }],
  [
    'a look',
    {
      act: (tx, slot) => {
        const most = { lanesFound: 20, lanesClaimed: 20, runsOfLane: 10, aheadMs: 2_000, lateMs: 10_000 };
        return lookAndClaim(tx, member.self(), { claimId, slots: [slot], excluded: [], ...most });
      },
    },
  ],
])('%s reads a few rows', async (_, { concurrencyKey, act }) => {
  const run = concurrencyKey === undefined ? {} : { concurrencyKey };
  await addRuns(db, tenant, 1, run);
  await sql`
    insert into carillon.run (id, tenant_id, slot, job_type, queue, payload, concurrency_key, run_at)
    select gen_random_uuid(), tenant_id, slot, job_type, queue, payload, concurrency_key, now() + interval '1 day' + n * interval '1 s'
      from carillon.run cross join generate_series(1, ${sql.lit(DELAYED)}) n`.execute(db);
  const { slot } = tenant;
  await db.transaction().execute(async (tx) => {
    const read = await rowsRead(tx, '^run$', async () => {
      const taken = await act(tx, { slot, epoch: member.ownership.serving.get(slot) ?? -1 });
      expect(taken?.runs).toHaveLength(1);
    });
    expect(read).toBeLessThan(DELAYED / 100);
  });
});
