// Do runs that are due much later cost those nothing that are due now, though they stand in one lane with them?
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import type { Tx } from '#database/connection.js';
import { claimRuns } from '#execution/claiming/claims/claim.repository.js';
import { lookAndClaim } from '#execution/claiming/claims/look-and-claim.repository.js';
import type { LanePosition } from '#execution/runs/decisions/lane.js';
import { asId, type RunId } from '#kernel/ids.js';
import { storedKeyOf } from '#kernel/keys/key-overlap.js';
import { addRuns } from '../../support/rows.js';
import { rowsRead } from '../../support/rows-read.js';
import { useLoneMember } from '../../support/test-member.js';

const { db, member, tenant } = useLoneMember();
/** Of each of three priorities. */
const DELAYED = 2_000;
const claimId = asId.claim(randomUUID());
const strictKey = storedKeyOf('k', undefined, 'strict');

interface Place {
  slot: typeof tenant.slot;
  epoch: number;
  excluded: readonly RunId[];
}

interface Case {
  concurrencyKey?: string;
  act: (tx: Tx, at: Place) => Promise<{ runs: readonly unknown[] } | null>;
}

const claimOf = (lane: string, isStrict: boolean): Case['act'] => {
  return (tx, { slot, epoch, excluded }) => {
    const lanes = [{ slot, epoch, tenantId: tenant.id, lane, quota: 10, from: null }];
    const { replica } = member.self();
    return claimRuns(tx, { claimId, replica, lanes, excluded, aheadMs: 2_000, isStrict });
  };
};

it.each<[string, Case]>([
  ['a claim', { act: claimOf('default/noop', false) }],
  ['a claim in order', { concurrencyKey: strictKey, act: claimOf(`default/noop/${strictKey}`, true) }],
  [
    'a look',
    {
      act: (tx, { excluded, ...slot }) => {
        const most = { lanesFound: 20, lanesClaimed: 20, runsOfLane: 10, aheadMs: 2_000, lateMs: 10_000 };
        return lookAndClaim(tx, member.self(), { claimId, slots: [slot], excluded, ...most });
      },
    },
  ],
])('%s reads a few rows', async (_, { concurrencyKey, act }) => {
  const run = concurrencyKey === undefined ? {} : { concurrencyKey };
  // In hand already, so that nothing ends the walk before it comes to what is due later.
  const excluded = await addRuns(db, tenant, 1, run);
  await sql`
    insert into carillon.run (id, tenant_id, slot, job_type, queue, payload, concurrency_key, priority, run_at)
    select gen_random_uuid(), tenant_id, slot, job_type, queue, payload, concurrency_key, level, now() + interval '1 min' + n * interval '1 s'
      from carillon.run cross join generate_series(1, ${sql.lit(DELAYED)}) n cross join unnest(array[-100, 0, 100]) level`.execute(
    db,
  );
  const { slot } = tenant;
  await db.transaction().execute(async (tx) => {
    const read = await rowsRead(tx, '^run$', async () => {
      const epoch = member.ownership.serving.get(slot) ?? -1;
      const taken = await act(tx, { slot, epoch, excluded });
      expect(taken?.runs).toEqual([]);
    });
    expect(read).toBeLessThan(DELAYED / 100);
  });
});

it('a claim takes what is due in the order of ranks, be they before now or behind it', async () => {
  await sql`
    insert into carillon.run (id, tenant_id, slot, job_type, queue, payload, priority, run_at)
    select gen_random_uuid(), ${tenant.id}, ${tenant.slot}, 'ranked', 'default', '{}', priority, now() + due * interval '1 min'
      from unnest(array[0, 5, -1, -100, 100, -3, 0, -100]) priority cross join unnest(array[-200, -30, -2, 1, 50]) due`.execute(
    db,
  );
  const expected = await sql<{ id: string }>`
    select id from carillon.run where job_type = 'ranked' and run_at <= now()
     order by run_at - priority * interval '1 min', id`.execute(db);
  const ids: string[] = [];
  let from: LanePosition | null = null;
  do {
    const { runs, taken } = await db.transaction().execute((tx) =>
      claimRuns(tx, {
        claimId: asId.claim(randomUUID()),
        replica: member.self().replica,
        lanes: [
          {
            slot: tenant.slot,
            epoch: member.ownership.serving.get(tenant.slot) ?? -1,
            tenantId: tenant.id,
            lane: 'default/ranked',
            quota: 7,
            from,
          },
        ],
        excluded: [],
        aheadMs: 2_000,
      }),
    );
    ids.push(...runs.map(({ id }) => id));
    from = taken[0]?.last ?? null;
  } while (from !== null);
  expect(ids).toEqual(expected.rows.map(({ id }) => id));
  expect(ids).toHaveLength(24);
});
