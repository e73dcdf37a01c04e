// How long does a run hold its locks? As long as its attempt lasts, however that ends, and no longer.
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { markDead } from '#cluster/membership/replica.repository.js';
import { findHolds, releaseHold, renewHold } from '#locks/hold.repository.js';
import { DOOR, useDoor } from '../../support/door.js';
import { gated, pass } from '../../support/gated-runs.js';
import { WAITS } from '../../support/locks.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { count, history } from '../../support/run-rows.js';
import { startMember, useLoneMember } from '../../support/test-member.js';
import { startOwner, type OwnerOptions } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const site = useLoneMember();
const { db } = site;

const { byCaller, rows, taken } = useDoor(site);
const owning = (options: OwnerOptions) => startOwner(site.member, options);

describe("a run's hold", () => {
  it('has no lease, shows the run, and can be released early, but not renewed away', async () => {
    const gate = gated();
    const owner = await owning({ handlers: { a: gate.handle }, locksOf: { a: [DOOR] } });
    const [runId] = await addRuns(db, site.tenant, 1, { jobType: 'a' });
    await owner.claimAll();
    await pass(owner, 'it is under way', () => gate.inside.length === 1);
    const ref = { tenantId: site.tenant.id, name: 'door', token: gate.tokens()[0]?.['door'] ?? 0 };
    const shown = await findHolds(db, { ...ref, names: ['door'], limitEach: 5 });
    expect(shown).toMatchObject([{ expiresAt: null, runId, holder: `run ${runId}/1`, token: ref.token }]);
    expect(await renewHold(db, { ...ref, leaseMs: 1_000 })).toMatchObject({ expiresAt: null });
    await sql`select carillon.check_lock(name, 'door', ${ref.token}) from carillon.tenant`.execute(db);
    expect(await releaseHold(db, ref)).toMatchObject({ wasHeld: true });
    const check = sql`select carillon.check_lock(name, 'door', ${ref.token}) from carillon.tenant`.execute(
      db,
    );
    await expect(check).rejects.toThrow('has expired or was released');
    await taken();
    gate.letGo();
    await pass(owner, 'it has ended', () => owner.held.size === 0);
    expect(await rows('lock_hold')).toBe(1);
  });

  it('ends with an attempt that fails, and the next one gets a new token', async () => {
    const seen: unknown[] = [];
    const owner = await owning({
      handlers: {
        a: (_job, { locks, attempt }) => {
          seen.push(locks['door']);
          if (attempt === 1) throw new Error('once more');
        },
      },
      locksOf: { a: [DOOR] },
    });
    await addRuns(db, site.tenant, 1, { jobType: 'a' });
    await owner.claimAll();
    await pass(owner, 'it is retried', async () => (await count(db, 'claim')) === 0);
    expect(await rows('lock_hold')).toBe(0);
    await owner.claimAll();
    await pass(owner, 'it has ended', () => owner.held.size === 0);
    expect(seen).toHaveLength(2);
    expect(Number(seen[1])).toBeGreaterThan(Number(seen[0]));
  });

  it('is checked in the transaction that completes the run, which releases it', async () => {
    const owner = await owning({
      handlers: {
        a: (_job, { completeInTx, locks, tenant }) =>
          completeInTx(async (trx) => {
            await sql`select carillon.check_lock(${tenant}, 'door', ${locks['door']})`.execute(trx);
            return 'written';
          }),
      },
      locksOf: { a: [DOOR] },
    });
    await addRuns(db, site.tenant, 1, { jobType: 'a' });
    await owner.claimAll();
    await owner.finish();
    expect(await history(db)).toMatchObject([{ outcome: 'succeeded', attempt: 1, output: 'written' }]);
    expect(await rows('lock_hold')).toBe(0);
  });

  it('is given back with a run that does not start, because a rate holds it back', async () => {
    const owner = await owning({
      handlers: { a: () => null },
      locksOf: { a: [DOOR] },
      limitsOf: { a: { rate: { count: 1, perSeconds: 3_600 } } },
    });
    await addRuns(db, site.tenant, 2, { jobType: 'a' });
    await owner.claimAll();
    await pass(owner, 'one has ended', async () => (await count(db, 'run_history')) === 1);
    await pass(owner, 'the lock is free', async () => (await rows('lock_hold')) === 0);
    expect((await taken()).token).toBeGreaterThan(0);
  });
});

describe('an owner that is declared dead', () => {
  it('acquires nothing any more, and what its attempt holds passes to the next', async () => {
    const gate = gated();
    const options = { handlers: { a: gate.handle }, locksOf: { a: [DOOR] } };
    const successor = await owning(options);
    const victim = await startMember(site.url, { roles: ['worker'] });
    const former = await startOwner(victim, options);
    await sql`update carillon.slot_owner set owner = ${victim.self().replica}`.execute(db);
    await victim.ownership.runOnce();
    const other = await addTenant(db);
    await addRuns(db, site.tenant, 1, { jobType: 'a' });
    await former.claimAll();
    await former.start.runOnce();
    await until('it is under way', () => gate.inside.length === 1);
    const first = gate.tokens()[0]?.['door'] ?? 0;
    await addRuns(db, other, 1, { jobType: 'a' });
    await former.claimAll();

    await markDead(db, { replica: victim.self().replica, term: site.member.leader().term, reason: 'hung' });
    await former.start.runOnce();
    expect(gate.inside).toHaveLength(1);
    expect(await rows('lock_hold')).toBe(1);
    expect((await byCaller('caller', WAITS)).kind).toBe('waits');
    await successor.revocation.runOnce();
    const hold = await taken();
    expect(hold.token).toBeGreaterThan(first);
    await sql`update carillon.slot_owner set owner = ${site.member.self().replica}, epoch = epoch + 1`.execute(
      db,
    );
    await site.member.ownership.runOnce();
    await releaseHold(db, hold);
    await until('the runs are free again', async () => {
      await successor.claimAll();
      return successor.held.size === 2;
    });
    await pass(successor, 'both run', () => gate.inside.length === 3);
    expect(gate.tokens()[1]?.['door']).toBeGreaterThan(first);
    for (const { go } of gate.inside) go();
    await pass(successor, 'they have ended', () => successor.held.size === 0);
    expect(await rows('lock_hold')).toBe(0);
  });
});
