// What becomes of work that is offered to workers outside, and what does it count for?
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { cancelRuns, endOverdue } from '#execution/run-actions/run-ending.js';
import { listEndable } from '#execution/run-actions/run-ending.repository.js';
import { pauseQueue, resumeQueue } from '#execution/limits/queue.repository.js';
import { asId } from '#kernel/ids.js';
import { addPulled, age, leasedRuns, only, runRow, startLeasedWork } from '../../support/leased-work.js';
import { count, history } from '../../support/run-rows.js';
import { until } from '../../support/until.js';

describe('an offer', () => {
  it('that nobody takes goes back to the owner untouched', async () => {
    const { db, tenant, park, endOverdue } = await startLeasedWork();
    await addPulled(db, tenant);
    await park();
    await age(db, ['expires_at']);
    await endOverdue();
    expect(await runRow(db)).toEqual({ attempt: 1, losses: 0, failures: 0, isParked: false, past: null });
    await park();
    expect(await runRow(db)).toMatchObject({ attempt: 1, isParked: true });
  });

  it('can be cancelled at once; one that is taken can not', async () => {
    const { db, tenant, park, take, beat, endOverdue } = await startLeasedWork();
    const [offered, taken] = [await addPulled(db, tenant), await addPulled(db, tenant)].flat();
    await park();
    const first = await only(take(1));
    expect(first.runId).toBe(offered);
    const waiting = asId.run(String(taken));
    const ids = [first.runId, waiting];
    expect(await cancelRuns(db, { tenantId: tenant.id, slot: tenant.slot, ids })).toEqual({
      ended: [waiting],
      requested: [first.runId],
    });
    expect(await history(db)).toMatchObject([{ id: waiting, outcome: 'cancelled' }]);
    expect(await take()).toEqual([]);
    expect(await beat(first)).toMatchObject({ cancelRequested: true });
    await age(db, ['expires_at']);
    await endOverdue();
    expect(await history(db)).toMatchObject([{ outcome: 'cancelled' }, { outcome: 'cancelled' }]);
  });

  it('is withdrawn by the loop of overdue runs where a request to cancel met it on its way out', async () => {
    const { db, tenant, park, take } = await startLeasedWork();
    const [id] = await addPulled(db, tenant);
    await park();
    await sql`update carillon.run set cancel_requested_at = clock_timestamp()`.execute(db);
    expect(await take()).toEqual([]);
    expect(await endOverdue(db, await listEndable(db, 10))).toEqual([id]);
    expect(await count(db, 'lease')).toBe(0);
    expect(await history(db)).toMatchObject([{ id, outcome: 'cancelled' }]);
  });

  it('is not taken while its queue is paused or its tenant suspended', async () => {
    const { db, tenant, park, take } = await startLeasedWork();
    await addPulled(db, tenant);
    await park();
    const { id: tenantId } = tenant;
    await pauseQueue(db, { tenantId, name: 'mail' });
    expect(await take()).toEqual([]);
    await resumeQueue(db, { tenantId, name: 'mail' });
    await sql`update carillon.tenant set state = 'suspended'`.execute(db);
    expect(await take()).toEqual([]);
    await sql`update carillon.tenant set state = 'active'`.execute(db);
    expect(await take()).toHaveLength(1);
  });

  it('counts against limits from the moment that it leaves its replica until its lease ends (I7)', async () => {
    const { db, tenant, replica, take, say } = await startLeasedWork({}, { maxConcurrent: 1 });
    await addPulled(db, tenant, 2);
    const pass = async () => {
      replica.claim.hint([tenant.slot]);
      await replica.claim.runOnce();
      await replica.start.runOnce();
      await replica.settleLoop.runOnce();
      return (await leasedRuns(db, tenant.slot)).map(({ id }) => id);
    };
    const outsideNow = async () => {
      const ids = await pass();
      return ids.length > 0 && ids;
    };
    const [first] = await until('one is outside', outsideNow);
    for (let again = 0; again < 5; again += 1) expect(await pass()).toEqual([first]);
    await say(await only(take()));
    const [second] = await until('the other one is outside', outsideNow);
    expect(second).not.toBe(first);
  });
});
