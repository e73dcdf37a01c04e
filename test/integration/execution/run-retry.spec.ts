// Does trying a run again touch nothing but what is over, and only its own tenant's?
import { expect, it } from 'vitest';
import { sql } from 'kysely';
import { RETRIABLE, retryEnded } from '#execution/run-actions/retry-ended.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { history } from '../../support/run-rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const { db, member, tenant } = useLoneMember();

const claims = async () => (await sql`select * from carillon.claim order by id`.execute(db)).rows;

it('leaves a run in its claim that is still running, whichever tenant asks', async () => {
  const finish = Promise.withResolvers<void>();
  const owner = await startOwner(member, { handlers: { slow: () => finish.promise } });
  const ids = await addRuns(db, tenant, 2, { jobType: 'slow' });
  await owner.claimAll();
  await owner.start.runOnce();
  const before = await claims();
  expect(before).toMatchObject([{ run_ids: expect.arrayContaining(ids) as string[] }]);
  for (const { id: tenantId } of [tenant, await addTenant(db)])
    expect(await retryEnded(db, { tenantId, ids, outcomes: RETRIABLE })).toEqual({
      retried: [],
      keptOut: [],
    });
  expect(await claims()).toEqual(before);
  finish.resolve();
  await owner.finish();
  expect((await history(db)).map(({ outcome, attempt }) => `${outcome} ${attempt}`)).toEqual([
    'succeeded 1',
    'succeeded 1',
  ]);
});

it('leaves a run in the claim that it got from another request at the same moment', async () => {
  const [id] = await addRuns(db, tenant, 1, { jobType: 'broken' });
  if (id === undefined) throw new Error('expected a run');
  const owner = await startOwner(member, {
    handlers: { broken: () => Promise.reject(new Error('no luck')) },
    retry: { maxAttempts: 1 },
  });
  await owner.claimAll();
  await owner.finish();
  const claimed = await db.transaction().execute(async (tx) => {
    await sql`select 1 from carillon.run_history where id = ${id} for update`.execute(tx);
    const late = retryEnded(db, { tenantId: tenant.id, ids: [id], outcomes: RETRIABLE });
    await until('the second request waits for the first', async () => {
      const { rows } =
        await sql`select 1 from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and not granted`.execute(
          db,
        );
      return rows.length > 0;
    });
    // What the first request and the claim behind it write.
    await sql`delete from carillon.run_history where id = ${id}`.execute(tx);
    await sql`insert into carillon.claim (id, replica, run_ids) values (gen_random_uuid(), 1, array[${id}]::uuid[])`.execute(
      tx,
    );
    return { late, before: (await sql`select * from carillon.claim`.execute(tx)).rows };
  });
  expect(await claimed.late).toEqual({ retried: [], keptOut: [] });
  expect(await claims()).toEqual(claimed.before);
});
