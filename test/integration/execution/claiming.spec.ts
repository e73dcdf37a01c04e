// Does an owner take exactly the runs that are its to take, in turn and not too early?
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import type { HeldRuns } from '#execution/held/held-runs.js';
import { markDead } from '#cluster/membership/replica.repository.js';
import { asId, type RunId, type TenantId } from '#kernel/ids.js';
import { useTestDatabase } from '../../support/test-database.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { count, history } from '../../support/run-rows.js';
import { startLoneMember, startMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

const idsOf = ({ held }: { held: HeldRuns }, tenant: { id: TenantId }): RunId[] =>
  held.all().flatMap(({ run }) => (run.tenantId === tenant.id ? [run.id] : []));

describe('claiming', () => {
  it('takes runs of many tenants in turn, so that one with a thousand does not starve one with one', async () => {
    const owner = await startOwner(await startLoneMember(database.url), {
      limits: { held: 20, running: 5 },
    });
    const [big, small] = [await addTenant(db), await addTenant(db)];
    await addRuns(db, big, 60);
    const [lonely] = await addRuns(db, small, 1);
    await owner.claim.runOnce();
    expect(idsOf(owner, small)).toEqual([lonely]);
    expect(owner.held.size).toBeLessThanOrEqual(20);
  });

  it('never takes a run twice, and leaves no claim when all is done', async () => {
    const seen: string[] = [];
    const owner = await startOwner(await startLoneMember(database.url), {
      handlers: { noop: (_job, { runId }) => void seen.push(runId) },
      claim: { runsPerClaim: 7 },
    });
    const ids = [
      ...(await addRuns(db, await addTenant(db), 40)),
      ...(await addRuns(db, await addTenant(db), 40)),
    ];
    await owner.claimAll();
    await owner.claimAll();
    await owner.finish();
    expect(seen.toSorted()).toEqual(ids.toSorted());
    expect((await history(db)).map((row) => row.id)).toEqual(ids.toSorted());
    expect([await count(db, 'run'), await count(db, 'claim')]).toEqual([0, 0]);
  });

  it('I6: holds a run that is due soon and starts it no earlier, and leaves a later one alone', async () => {
    const starts: number[] = [];
    const owner = await startOwner(await startLoneMember(database.url), {
      handlers: { noop: () => void starts.push(Date.now()) },
    });
    const tenant = await addTenant(db);
    const soon = new Date(Date.now() + 300);
    await addRuns(db, tenant, 1, { runAt: soon });
    await addRuns(db, tenant, 1, { runAt: new Date(Date.now() + 60_000) });
    await owner.claimAll();
    expect(owner.held.size).toBe(1);
    await owner.finish();
    expect(starts[0]).toBeGreaterThanOrEqual(soon.getTime());
    expect(await count(db, 'run')).toBe(1);
  });

  it('takes higher priorities first', async () => {
    const seen: number[] = [];
    const owner = await startOwner(await startLoneMember(database.url), {
      handlers: { noop: (job) => void seen.push((job.payload as { priority: number }).priority) },
      limits: { held: 1, running: 1 },
    });
    const tenant = await addTenant(db);
    for (const priority of [0, 5, -5]) await addRuns(db, tenant, 1, { priority, payload: { priority } });
    for (let turn = 0; turn < 3; turn += 1) {
      await owner.claimAll();
      await owner.finish();
    }
    expect(seen).toEqual([5, 0, -5]);
  });

  it('takes nothing from a slot that was handed over, even if it does not know yet', async () => {
    const old = await startLoneMember(database.url);
    const owner = await startOwner(old);
    const tenant = await addTenant(db);
    await addRuns(db, tenant, 3);
    await sql`update carillon.slot_owner set owner = ${old.self().replica} + 1000`.execute(db);
    await owner.claimAll();
    expect(owner.held.size).toBe(0);
  });

  it("leaves a former owner's claimed runs to it, and takes those that it gives back", async () => {
    const old = await startLoneMember(database.url);
    const oldOwner = await startOwner(old, { limits: { held: 2, running: 2 } });
    const tenant = await addTenant(db);
    const ids = await addRuns(db, tenant, 4);
    await oldOwner.claimAll();
    const next = await startMember(database.url);
    const nextOwner = await startOwner(next);
    await sql`update carillon.slot_owner set owner = ${next.self().replica}, epoch = epoch + 1`.execute(db);
    await next.ownership.runOnce();
    await nextOwner.claimAll();
    const taken = [...idsOf(oldOwner, tenant), ...idsOf(nextOwner, tenant)];
    expect([oldOwner.held.size, nextOwner.held.size]).toEqual([2, 2]);
    expect(taken.toSorted()).toEqual(ids);
    oldOwner.start.giveBackWaiting();
    await oldOwner.settleLoop.runOnce();
    await until('the runs that were given back are claimed', async () => {
      await nextOwner.claimAll();
      return nextOwner.held.size === 4;
    });
  });

  it('reads anew what others hold when a slot has gone away and come back', async () => {
    const first = await startLoneMember(database.url);
    const owner = await startOwner(first);
    const tenant = await addTenant(db);
    await owner.claimAll();
    await addRuns(db, tenant, 3);
    const other = await startMember(database.url);
    const otherOwner = await startOwner(other);
    await moveSlots(other.self().replica);
    await other.ownership.runOnce();
    await otherOwner.claimAll();
    expect(otherOwner.held.size).toBe(3);
    await moveSlots(first.self().replica);
    await owner.claimAll();
    expect(owner.held.size).toBe(0);
    await first.ownership.runOnce();
    await owner.claimAll();
    expect(owner.held.size).toBe(0);
  });

  it('drops a claim whose answer never arrived', async () => {
    const member = await startLoneMember(database.url);
    const owner = await startOwner(member);
    await sql`insert into carillon.claim (id, replica, run_ids, claimed_at)
              values (gen_random_uuid(), ${member.self().replica}, '{}', now() - interval '1 minute')`.execute(
      db,
    );
    await owner.strayClaims.runOnce();
    expect(await count(db, 'claim')).toBe(0);
  });

  it('hears while it drops such a claim that it was declared dead (I4)', async () => {
    const member = await startLoneMember(database.url);
    const owner = await startOwner(member);
    const { replica } = member.self();
    await sql`insert into carillon.claim (id, replica, run_ids, claimed_at)
              values (gen_random_uuid(), ${replica}, '{}', now() - interval '1 minute')`.execute(db);
    await markDead(db, { replica, term: asId.term(1), reason: 'hung' });
    await owner.strayClaims.runOnce();
    expect(member.membership.incarnation).toBeNull();
    expect(await count(db, 'claim')).toBe(1);
  });
});

/** As hand-overs do: a new owner begins a new epoch. */
async function moveSlots(owner: number): Promise<void> {
  await sql`update carillon.slot_owner set owner = ${owner}, epoch = epoch + 1`.execute(db);
}
