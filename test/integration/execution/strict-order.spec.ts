// Do runs of a key with a strict order start one after the other in their order, also where some fail, snooze, or are lost?
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { systemClock } from '#database/runtime/system-clock.js';
import { FatalError, snooze } from '#client/jobs/outcomes.js';
import { listBlockedKeys, unblockKey } from '#execution/settling/key-block.repository.js';
import { retryEnded } from '#execution/run-actions/retry-ended.js';
import { cancelRuns } from '#execution/run-actions/run-ending.js';
import type { RunId } from '#kernel/ids.js';
import { storedKeyOf } from '#kernel/keys/key-overlap.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { history } from '../../support/run-rows.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startLoneMember } from '../../support/test-member.js';
import { startOwner, type OwnerOptions } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

const strict = (key = 'k') => storedKeyOf(key, undefined, 'strict');

/** An owner whose handler `work` does to each run what the test has laid ready for its starts, and succeeds otherwise. */
async function startOrdered(options: Pick<OwnerOptions, 'retry'> = {}) {
  const member = await startLoneMember(database.url);
  const started: string[] = [];
  const fates = new Map<string, (() => unknown)[]>();
  const work = (job: { payload: unknown }): unknown => {
    const { name } = job.payload as { name: string };
    started.push(name);
    return fates.get(name)?.shift()?.() ?? null;
  };
  const owner = await startOwner(member, { handlers: { work }, ...options });
  const tenant = await addTenant(db);
  const add = async (name: string, wish: object = {}): Promise<RunId> => {
    const run = { jobType: 'work', payload: { name }, concurrencyKey: strict(), ...wish };
    const [id] = await addRuns(db, tenant, 1, run);
    return id as RunId; // one was asked for
  };
  const pass = async (): Promise<void> => {
    await owner.claimAll();
    await owner.start.runOnce();
    await owner.settleLoop.runOnce();
  };
  const untilStarted = (...names: string[]) =>
    until(`${names.join(', ')} have started`, async () => {
      await pass();
      return names.every((name) => started.includes(name));
    });
  /** Until nothing is held and two passes claim nothing more. */
  const untilStill = () =>
    until('nothing more starts', async () => {
      await pass();
      const before = started.length;
      await pass();
      await pass();
      return owner.held.size === 0 && started.length === before;
    });
  const blocked = () => listBlockedKeys(db, { tenantId: tenant.id, after: null, limit: 10 });
  const unblock = (runId: RunId) => unblockKey(db, { tenantId: tenant.id, runId });
  return { member, owner, tenant, started, fates, add, pass, untilStarted, untilStill, blocked, unblock };
}

const fail = () => {
  throw new Error('not now');
};
const failForGood = () => {
  throw new FatalError('never');
};

describe('runs of a key with a strict order', () => {
  it('start one at a time by rank, and those of another key beside them', async () => {
    const { add, owner, started, untilStarted, pass, fates } = await startOrdered();
    const letGo = Promise.withResolvers<void>();
    fates.set('first', [() => letGo.promise]);
    await add('third');
    await add('fourth');
    await add('first', { priority: 5 });
    await add('second', { priority: 1 });
    await add('x', { concurrencyKey: strict('other') });
    await untilStarted('first', 'x');
    await pass();
    expect(started.toSorted()).toEqual(['first', 'x']);
    expect(owner.held.size).toBe(1);
    letGo.resolve();
    await untilStarted('fourth');
    expect(started.filter((name) => name !== 'x')).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('wait while one that failed is tried again, and start behind it', async () => {
    const { add, started, untilStarted, fates, blocked } = await startOrdered({
      retry: { minMs: 300, maxMs: 300 },
    });
    fates.set('a', [fail, fail]);
    const first = await add('a');
    await add('b');
    await untilStarted('b');
    expect(started).toEqual(['a', 'a', 'a', 'b']);
    expect(first).toBeDefined();
    expect(await blocked()).toEqual([]);
  });

  it('wait while one snoozes, also in another queue', async () => {
    const { add, started, untilStarted, fates, blocked, pass } = await startOrdered();
    fates.set('a', [() => snooze(0.4)]);
    const first = await add('a');
    await add('b', { queue: 'other' });
    await until('it snoozes', async () => {
      await pass();
      return (await blocked()).length > 0;
    });
    expect(await blocked()).toMatchObject([{ runId: first, why: 'retrying', key: 'k', jobType: 'work' }]);
    await untilStarted('b');
    expect(started).toEqual(['a', 'a', 'b']);
  });

  it('wait while one is put off that has not begun', async () => {
    const { owner, add, started, untilStarted, blocked } = await startOrdered();
    const first = await add('a');
    await add('b');
    await owner.claimAll();
    for (const { run } of owner.held.takeWaiting())
      owner.settleLoop.noteEnd({
        run,
        startedAt: null,
        finishedAt: systemClock.now(),
        lastNote: null,
        transition: { kind: 'put-off', delayMs: 400 },
        outputJson: null,
      });
    await owner.settleLoop.runOnce();
    expect(await blocked()).toMatchObject([{ runId: first, why: 'retrying', error: null }]);
    await untilStarted('b');
    expect(started).toEqual(['a', 'b']);
  });

  it('stay blocked by one that failed for good, until it is retried with success', async () => {
    const { add, started, untilStill, fates, blocked, tenant, unblock } = await startOrdered();
    fates.set('a', [failForGood, failForGood]);
    const first = await add('a');
    await add('b');
    await add('c');
    await add('x', { concurrencyKey: strict('other') });
    await untilStill();
    expect(started.toSorted()).toEqual(['a', 'x']);
    expect(await blocked()).toMatchObject([
      { runId: first, why: 'failed', key: 'k', waiting: 2, error: { message: 'never' } },
    ]);
    const retry = () =>
      retryEnded(db, { tenantId: tenant.id, ids: [first], outcomes: ['failed', 'dead-lettered'] });
    await retry();
    expect(await unblock(first)).toBe('retrying');
    await untilStill();
    expect(started.filter((name) => name !== 'x')).toEqual(['a', 'a']);
    expect(await blocked()).toMatchObject([{ runId: first, why: 'failed' }]);
    await retry();
    await untilStill();
    expect(started.filter((name) => name !== 'x')).toEqual(['a', 'a', 'a', 'b', 'c']);
    expect(await blocked()).toEqual([]);
    expect(await unblock(first)).toBe('nothing');
  });

  it('go on behind the one that is skipped by hand, and no further', async () => {
    const { add, started, untilStill, fates, blocked, unblock } = await startOrdered();
    fates.set('a', [failForGood]);
    fates.set('b', [failForGood]);
    const [first, second] = [await add('a'), await add('b')];
    await add('c');
    await untilStill();
    expect(await unblock(first)).toBe('unblocked');
    await untilStill();
    expect(started).toEqual(['a', 'b']);
    expect(await unblock(first)).toBe('nothing');
    expect(await blocked()).toMatchObject([{ runId: second }]);
    await untilStill();
    expect(started).toEqual(['a', 'b']);
  });

  it('go on when the one that is to be tried again is cancelled', async () => {
    const { add, started, untilStill, untilStarted, fates, tenant, blocked } = await startOrdered({
      retry: { minMs: 60_000, maxMs: 60_000 },
    });
    fates.set('a', [fail]);
    const first = await add('a');
    await add('b');
    await untilStill();
    expect(started).toEqual(['a']);
    await cancelRuns(db, { tenantId: tenant.id, slot: tenant.slot, ids: [first] });
    await untilStarted('b');
    expect(await blocked()).toEqual([]);
  });

  it('stay blocked when retention has deleted the one that failed', async () => {
    const { add, started, untilStill, fates, blocked, unblock } = await startOrdered();
    fates.set('a', [failForGood]);
    const first = await add('a');
    await add('b');
    await untilStill();
    await sql`delete from carillon.run_history`.execute(db);
    await untilStill();
    expect(started).toEqual(['a']);
    expect(await blocked()).toMatchObject([{ runId: first, why: 'gone', error: null, waiting: 1 }]);
    expect(await unblock(first)).toBe('unblocked');
    await untilStill();
    expect(started).toEqual(['a', 'b']);
  });

  it('tell the cluster once that their key is blocked', async () => {
    const { add, untilStill, fates } = await startOrdered();
    fates.set('a', [failForGood]);
    const first = await add('a');
    await add('b');
    await untilStill();
    const { rows } = await sql<{ data: object }>`
      select data from carillon.cluster_event where type = 'key-blocked'`.execute(db);
    expect(rows).toMatchObject([{ data: { jobType: 'work', key: 'k', run: first } }]);
  });
});

describe('the order is kept', () => {
  it('by what a claim reads, while a former owner or a lease has a run of the key', async () => {
    const { member, add, owner, tenant, started, pass } = await startOrdered();
    const first = await add('a');
    await add('b');
    await sql`insert into carillon.claim (id, replica, run_ids) values (gen_random_uuid(), ${member.self().replica + 1}, array[${first}::uuid])`.execute(
      db,
    );
    await pass();
    await pass();
    expect(started).toEqual([]);
    expect(owner.held.size).toBe(0);
    expect(await history(db)).toEqual([]);
    expect(tenant.slot).toBeDefined();
  });

  it('through the loss of the one that ran', async () => {
    const { member, add, owner, started, untilStarted } = await startOrdered();
    const first = await add('a');
    await add('b', { priority: 1 });
    await sql`insert into carillon.claim (id, replica, run_ids) values (gen_random_uuid(), ${member.self().replica + 1}, array[${first}::uuid])`.execute(
      db,
    );
    await owner.revocation.runOnce();
    await untilStarted('a', 'b');
    expect(started).toEqual(['a', 'b']);
  });
});
