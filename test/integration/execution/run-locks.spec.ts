// Does a run start only when it holds the locks that its job type names, and wait for them in line until then? At one owner
// whose passes are made by hand.
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';
import { endHolds, releaseHold } from '#locks/hold.repository.js';
import type { LockWish } from '#locks/lock.js';
import { putSemaphore } from '#locks/semaphores.js';
import { findJobType } from '#execution/job-types/job-type.repository.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { registerSharedJobTypes } from '#server/jobs/shared-job-types.js';
import { cancelRuns } from '#execution/run-actions/run-ending.js';
import { DOOR, useDoor } from '../../support/door.js';
import { gated, pass } from '../../support/gated-runs.js';
import { WAITS } from '../../support/locks.js';
import { addRuns } from '../../support/rows.js';
import { count, history } from '../../support/run-rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner, type OwnerOptions } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const site = useLoneMember();
const { db } = site;
const PERMIT: LockWish = { name: 'gpu', mode: 'permits', permits: 1 };

const { byCaller, rows, taken } = useDoor(site);
const owning = (options: OwnerOptions) => startOwner(site.member, options);

describe('runs of two job types that need one lock', () => {
  it('execute one at a time, each with a greater token, and leave nothing behind', async () => {
    const gate = gated();
    const owner = await owning({
      handlers: { a: gate.handle, b: gate.handle },
      locksOf: { a: [DOOR], b: [DOOR] },
    });
    await addRuns(db, site.tenant, 3, { jobType: 'a' });
    await addRuns(db, site.tenant, 3, { jobType: 'b' });
    await owner.claimAll();
    const tokens: number[] = [];
    for (let run = 0; run < 6; run += 1) {
      await pass(owner, 'one is under way', () => gate.inside.length > 0);
      tokens.push(gate.tokens()[0]?.['door'] ?? 0);
      // One run of each lane stands in line, and not the backlog.
      expect(await rows('lock_wait')).toBeLessThanOrEqual(2);
      gate.letGo();
      await until('it is over', () => gate.inside.length === 0);
    }
    await pass(owner, 'all are written', () => owner.held.size === 0);
    expect(gate.most()).toBe(1);
    expect(tokens).toEqual(tokens.toSorted((x, y) => x - y));
    expect(new Set(tokens).size).toBe(6);
    expect(await rows('lock_hold')).toBe(0);
    expect(await rows('lock_wait')).toBe(0);
  });
});

describe('a semaphore', () => {
  it('lets as many runs execute as it has permits', async () => {
    const gate = gated();
    await putSemaphore(
      db,
      { tenantId: site.tenant.id, name: 'gpu', revision: null },
      { permits: 2, mayCreate: true, mayReplace: true },
    );
    const owner = await owning({ handlers: { a: gate.handle }, locksOf: { a: [PERMIT] } });
    await addRuns(db, site.tenant, 6, { jobType: 'a' });
    await owner.claimAll();
    for (let left = 6; left > 0; left -= 1) {
      await pass(owner, 'as many as may', () => gate.inside.length === Math.min(2, left));
      gate.letGo();
      await until('one is over', () => gate.inside.length < Math.min(2, left));
    }
    await pass(owner, 'all are written', () => owner.held.size === 0);
    expect(gate.most()).toBe(2);
    expect(await rows('lock_hold')).toBe(0);
  });

  it('that is not there is told with the run, and asked for again', async () => {
    const owner = await owning({ handlers: { a: () => null }, locksOf: { a: [PERMIT] } });
    const told: string[] = [];
    owner.runLocks.unmet.subscribe(({ why }) => told.push(why));
    await addRuns(db, site.tenant, 1, { jobType: 'a' });
    await owner.claimAll();
    await owner.start.runOnce();
    expect(told).toEqual(['expected a semaphore named gpu, found none']);
    expect(owner.held.running).toBe(0);
    await putSemaphore(
      db,
      { tenantId: site.tenant.id, name: 'gpu', revision: null },
      { permits: 1, mayCreate: true, mayReplace: true },
    );
    await pass(owner, 'it has ended', () => owner.held.size === 0);
    expect(await history(db)).toMatchObject([{ outcome: 'succeeded', attempt: 1 }]);
  });
});

describe('a run that waits for a lock', () => {
  it("has no place among its tenant's running ones, and burns no attempt", async () => {
    const gate = gated();
    await sql`update carillon.tenant set limits = '{"maxConcurrent": 1}'`.execute(db);
    const owner = await owning({ handlers: { a: gate.handle }, locksOf: { a: [DOOR] } });
    const hold = await taken();
    const [waiting] = await addRuns(db, site.tenant, 1, { jobType: 'a' });
    const others = await addRuns(db, site.tenant, 2);
    await owner.claimAll();
    await pass(owner, 'the others have ended', async () => (await count(db, 'run_history')) === 2);
    expect((await history(db)).map(({ id }) => id)).toEqual(others);
    expect(await rows('lock_wait')).toBe(1);
    await releaseHold(db, hold);
    await pass(owner, 'it starts', () => gate.inside.length === 1);
    gate.letGo();
    await pass(owner, 'it has ended', () => owner.held.size === 0);
    expect((await history(db)).find(({ id }) => id === waiting)).toMatchObject({
      attempt: 1,
      outcome: 'succeeded',
    });
  });

  it('stands in one line with callers, first come, first served', async () => {
    const gate = gated();
    const owner = await owning({ handlers: { a: gate.handle }, locksOf: { a: [DOOR] } });
    const hold = await taken();
    expect((await byCaller('before', WAITS)).kind).toBe('waits');
    await addRuns(db, site.tenant, 1, { jobType: 'a' });
    await owner.claimAll();
    await pass(owner, 'it stands in line', async () => (await rows('lock_wait')) === 2);
    expect((await byCaller('after', WAITS)).kind).toBe('waits');
    await releaseHold(db, hold);
    await owner.runLocks.runOnce();
    await owner.start.runOnce();
    expect(gate.inside).toEqual([]);
    const before = await taken('before');
    await releaseHold(db, before);
    expect((await byCaller('after', WAITS)).kind).toBe('waits');
    await pass(owner, 'it starts', () => gate.inside.length === 1);
    expect(gate.tokens()[0]?.['door']).toBeGreaterThan(before.token);
    expect((await byCaller('after', WAITS)).kind).toBe('waits');
    gate.letGo();
    await pass(owner, 'it has ended', () => owner.held.size === 0);
    await taken('after');
  });

  it('leaves the line when it is cancelled', async () => {
    const owner = await owning({ handlers: { a: () => null }, locksOf: { a: [DOOR] } });
    await taken();
    const ids = await addRuns(db, site.tenant, 1, { jobType: 'a' });
    await owner.claimAll();
    await pass(owner, 'it stands in line', async () => (await rows('lock_wait')) === 1);
    await cancelRuns(db, { tenantId: site.tenant.id, slot: site.tenant.slot, ids });
    owner.heldWatch.hint();
    await owner.heldWatch.runOnce();
    await pass(owner, 'it has left', async () => (await rows('lock_wait')) === 0);
    expect(await history(db)).toMatchObject([{ outcome: 'cancelled' }]);
  });

  it('gives its place up when a limit keeps it from a lock that is free', async () => {
    const gate = gated();
    await sql`update carillon.tenant set limits = '{"maxConcurrent": 1}'`.execute(db);
    const owner = await owning({ handlers: { a: () => null, b: gate.handle }, locksOf: { a: [DOOR] } });
    const hold = await taken();
    await addRuns(db, site.tenant, 1, { jobType: 'a' });
    await owner.claimAll();
    await pass(owner, 'it stands in line', async () => (await rows('lock_wait')) === 1);
    await addRuns(db, site.tenant, 1, { jobType: 'b' });
    await owner.claimAll();
    await pass(owner, 'the other runs', () => gate.inside.length === 1);
    expect((await byCaller('next', WAITS)).kind).toBe('waits');
    await releaseHold(db, hold);
    await pass(owner, 'the next can have it', async () => (await byCaller('next', WAITS)).kind === 'held');
    await endHolds(db, { tenantId: site.tenant.id, name: 'door', token: null });
    gate.letGo();
    await pass(owner, 'both have ended', async () => (await count(db, 'run_history')) === 2);
  });
});

describe('a lane that waits for a lock', () => {
  it('has one place in line, which is that of its first run', async () => {
    const gate = gated();
    const owner = await owning({ handlers: { a: gate.handle }, locksOf: { a: [DOOR] } });
    const hold = await taken();
    await addRuns(db, site.tenant, 1, { jobType: 'a' });
    await owner.claimAll();
    await pass(owner, 'it stands in line', async () => (await rows('lock_wait')) === 1);
    expect((await byCaller('after', WAITS)).kind).toBe('waits');
    const [urgent] = await addRuns(db, site.tenant, 1, { jobType: 'a', priority: 100 });
    await owner.claimAll();
    await releaseHold(db, hold);
    await pass(owner, 'one starts', () => gate.inside.length === 1);
    expect(gate.inside[0]?.context.runId).toBe(urgent);
    expect((await byCaller('after', WAITS)).kind).toBe('waits');
    gate.letGo();
    await pass(owner, 'its end is written', async () => (await count(db, 'run_history')) === 1);
    // The other run has come after the caller.
    await taken('after');
    expect(gate.inside).toEqual([]);
  });

  it('leaves the line when its job type is paused', async () => {
    const owner = await owning({ handlers: { a: () => null }, locksOf: { a: [DOOR] } });
    await taken();
    await addRuns(db, site.tenant, 2, { jobType: 'a' });
    await owner.claimAll();
    await pass(owner, 'it stands in line', async () => (await rows('lock_wait')) === 1);
    await sql`update carillon.job_type set paused_at = now() where name = 'a'`.execute(db);
    await owner.claimAll();
    await pass(owner, 'it has left', async () => (await rows('lock_wait')) === 0);
    expect(owner.held.size).toBe(0);
  });

  it('starts when its job type needs no lock any more', async () => {
    const owner = await owning({ handlers: { a: () => null }, locksOf: { a: [DOOR] } });
    await taken();
    await addRuns(db, site.tenant, 1, { jobType: 'a' });
    await owner.claimAll();
    await pass(owner, 'it stands in line', async () => (await rows('lock_wait')) === 1);
    await sql`update carillon.job_type set locks = null where name = 'a'`.execute(db);
    await owner.claimAll();
    await pass(owner, 'it has ended', async () => (await count(db, 'run_history')) === 1);
    expect(await rows('lock_wait')).toBe(0);
  });

  it('is tried again after an error of the database', async () => {
    const owner = await owning({ handlers: { a: () => null }, locksOf: { a: [DOOR] } });
    await addRuns(db, site.tenant, 1, { jobType: 'a' });
    await owner.claimAll();
    await sql`alter function carillon.acquire_run_locks rename to elsewhere`.execute(db);
    await expect(owner.start.runOnce()).rejects.toThrow('acquire_run_locks');
    await sql`alter function carillon.elsewhere rename to acquire_run_locks`.execute(db);
    expect(owner.held.running).toBe(0);
    await owner.finish();
  });
});

it('code that defines a job names its locks', async () => {
  const registry = new HandlerRegistry();
  const definition = defineJob({
    name: 'in.code',
    payload: z.unknown(),
    locks: ['books', { name: 'prices', mode: 'shared' }],
  });
  registry.register({ definition, handle: () => null });
  await registerSharedJobTypes(db, registry);
  const found = await findJobType(db, { tenantId: site.tenant.id, name: 'in.code' });
  expect(found?.locks).toEqual([
    { name: 'books', mode: 'exclusive', permits: 1 },
    { name: 'prices', mode: 'shared', permits: 1 },
  ]);
});
