// Do runs that bring locks of their own wait for them, and hold up neither other runs nor the memory of their owner? At one
// owner whose passes are made by hand.
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { asId, type RunId } from '#kernel/ids.js';
import { scheduleKey } from '#kernel/schedule-key.js';
import { releaseHold } from '#locks/hold.repository.js';
import type { LockWish } from '#locks/lock.js';
import { DOOR, useDoor } from '../../support/door.js';
import { WAITS } from '../../support/locks.js';
import { gated, pass } from '../../support/gated-runs.js';
import { addRuns } from '../../support/rows.js';
import { count, history } from '../../support/run-rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner, type OwnerOptions } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const site = useLoneMember();
const { db } = site;
const { byCaller, rows, taken } = useDoor(site);
const owning = (options: OwnerOptions) => startOwner(site.member, options);
const WINDOW: LockWish = { name: 'window', mode: 'exclusive', permits: 1 };
const LOOK: LockWish = { ...DOOR, mode: 'shared' };
const OWN_LANE = scheduleKey({
  scheduleId: asId.schedule('0197a0c4-95b1-7c3e-8b7e-3f0d5a2c1e99'),
  overlap: { mode: 'allow' },
});

/** As a schedule makes them. */
async function addLocked(
  number: number,
  {
    jobType,
    concurrencyKey = null,
    priority = 0,
    locks,
  }: { jobType: string; concurrencyKey?: string | null; priority?: number; locks: LockWish[] },
): Promise<RunId[]> {
  const ids = await addRuns(db, site.tenant, number, { jobType, concurrencyKey, priority });
  await sql`update carillon.run set locks = ${JSON.stringify(locks)}::jsonb where id = any(${ids}::uuid[])`.execute(
    db,
  );
  return ids;
}

it('a run holds its own locks and those of its job type, and the tokens of all', async () => {
  const gate = gated();
  const owner = await owning({ handlers: { a: gate.handle }, locksOf: { a: [WINDOW] } });
  await addLocked(1, { jobType: 'a', locks: [DOOR] });
  await owner.claimAll();
  await pass(owner, 'it is under way', () => gate.inside.length === 1);
  expect(Object.keys(gate.tokens()[0] ?? {}).toSorted()).toEqual(['door', 'window']);
  expect(await rows('lock_hold')).toBe(2);
  gate.letGo();
  await pass(owner, 'it has ended', () => owner.held.size === 0);
  expect(await history(db)).toMatchObject([{ outcome: 'succeeded', attempt: 1 }]);
  expect(await rows('lock_hold')).toBe(0);
});

it('what a run says of a lock counts, and not what its job type says', async () => {
  const gate = gated();
  const owner = await owning({ handlers: { a: gate.handle }, locksOf: { a: [LOOK] } });
  await addRuns(db, site.tenant, 2, { jobType: 'a' });
  await addLocked(1, { jobType: 'a', concurrencyKey: OWN_LANE, locks: [DOOR] });
  await owner.claimAll();
  await pass(
    owner,
    'two share it, and one waits',
    async () => gate.inside.length === 2 && (await rows('lock_wait')) === 1,
  );
  for (const left of [1, 0]) {
    gate.letGo();
    await until('it is over', () => gate.inside.length === left);
  }
  await pass(owner, 'the third holds it alone', () => gate.inside.length === 1);
  const { rows: holds } = await sql<{ mode: string }>`select mode from carillon.lock_hold`.execute(db);
  expect(holds).toEqual([{ mode: 'exclusive' }]);
  gate.letGo();
  await pass(owner, 'all have ended', () => owner.held.size === 0);
});

it('in a lane of their own they hold up no other run of their job type', async () => {
  const gate = gated();
  const owner = await owning({ handlers: { a: gate.handle, b: () => null } });
  const hold = await taken();
  await addLocked(3, { jobType: 'b', concurrencyKey: OWN_LANE, locks: [DOOR] });
  const others = await addRuns(db, site.tenant, 3, { jobType: 'b' });
  await owner.claimAll();
  await pass(owner, 'the others have ended', async () => (await count(db, 'run_history')) === 3);
  expect((await history(db)).map(({ id }) => id).toSorted()).toEqual(others);
  expect(await rows('lock_wait')).toBe(1);
  await releaseHold(db, hold);
  await pass(owner, 'all have ended', () => owner.held.size === 0);
  expect(await count(db, 'run_history')).toBe(6);
});

it('one that needs other locks goes by, and leaves the one behind it its place in line', async () => {
  const gate = gated();
  const owner = await owning({ handlers: { a: gate.handle } });
  const hold = await taken();
  const ofKey = { jobType: 'a', concurrencyKey: 'customer-7' };
  await addLocked(1, { ...ofKey, locks: [DOOR] });
  await owner.claimAll();
  await pass(owner, 'it stands in line', async () => (await rows('lock_wait')) === 1);
  expect(await byCaller('behind it', WAITS)).toMatchObject({ kind: 'waits' });
  await addLocked(1, { ...ofKey, priority: 10, locks: [WINDOW] });
  await owner.claimAll();
  await releaseHold(db, hold);
  await pass(owner, 'both are under way', () => gate.inside.length === 2);
  expect(await rows('lock_wait')).toBe(1);
  gate.letGo();
  gate.letGo();
  await pass(owner, 'both have ended', () => owner.held.size === 0);
});

it.each([
  ['a lane of their own', OWN_LANE, 130],
  // What they need is known once some are held.
  ["a user's key", 'customer-7', 160],
])(
  'a backlog of them in %s stands in line once, and does not fill the memory',
  async (_, concurrencyKey, most) => {
    const owner = await owning({
      handlers: { a: () => null },
      limits: { held: 1_000, running: 100 },
      claim: { runsPerClaim: 50 },
    });
    const hold = await taken();
    await addLocked(400, { jobType: 'a', concurrencyKey, locks: [DOOR] });
    for (let again = 0; again < 3; again += 1) {
      await owner.claimAll();
      await owner.start.runOnce();
    }
    expect(await rows('lock_wait')).toBe(1);
    expect(owner.held.size).toBeGreaterThan(1);
    expect(owner.held.size).toBeLessThanOrEqual(most);
    await addRuns(db, site.tenant, 1);
    await owner.claimAll();
    await pass(owner, 'another run comes through', async () => (await count(db, 'run_history')) === 1);
    await releaseHold(db, hold);
    await pass(owner, 'one has held the lock', async () => (await count(db, 'run_history')) > 1);
  },
);
