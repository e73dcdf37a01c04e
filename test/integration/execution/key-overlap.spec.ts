// What becomes of a run with a policy whose concurrency key is taken by a running one, in this replica or elsewhere?
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { systemClock } from '#database/runtime/system-clock.js';
import { asId, type RunId } from '#kernel/ids.js';
import { overlapKey, type KeyOverlap } from '#kernel/keys/key-overlap.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { history } from '../../support/run-rows.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

const keyed = (overlap: KeyOverlap, key = 'k') => overlapKey({ key, overlap });
const SKIP = keyed({ mode: 'skip' });
const LATEST = keyed({ mode: 'latest' });
const REPLACE = keyed({ mode: 'replace' });
const QUEUE = keyed({ mode: 'queue', max: null });

/** An owner whose handler `slow` runs until it is let go, or stopped. */
async function startSlowOwner() {
  const member = await startLoneMember(database.url);
  const started: RunId[] = [];
  const letGo: (() => void)[] = [];
  const slow = (_: unknown, context: { runId: string; signal: AbortSignal }): Promise<void> => {
    started.push(asId.run(context.runId));
    return new Promise((resolve, reject) => {
      letGo.push(resolve);
      context.signal.addEventListener('abort', () => reject(context.signal.reason as Error));
    });
  };
  const owner = await startOwner(member, { handlers: { slow } });
  const tenant = await addTenant(db);
  const pass = async (): Promise<void> => {
    await owner.start.runOnce();
    await owner.settleLoop.runOnce();
  };
  const add = async (wish: object = {}): Promise<RunId> => {
    const [id] = await addRuns(db, tenant, 1, { jobType: 'slow', ...wish });
    return id as RunId; // one was asked for
  };
  const due = async (concurrencyKey: string, wish: object = {}): Promise<RunId> => {
    const id = await add({ concurrencyKey, ...wish });
    await owner.claimAll();
    await pass();
    return id;
  };
  const endOne = async (): Promise<void> => {
    const before = (await history(db)).length;
    letGo.shift()?.();
    await until('the run has ended', async () => {
      await pass();
      return (await history(db)).length > before;
    });
    await pass();
  };
  return { member, owner, tenant, started, add, due, pass, endOne };
}

const outcomes = async () =>
  (await history(db)).map(({ id, outcome, error }) => ({ id, outcome, error: error?.name ?? null }));
const dropped = (id: RunId) => ({ id, outcome: 'cancelled', error: 'Overlap' });
const succeeded = (id: RunId) => ({ id, outcome: 'succeeded', error: null });

describe('a run that skips', () => {
  it('ends without a start while its key is taken, says why, and starts while it is free', async () => {
    const { started, due, endOne } = await startSlowOwner();
    const first = await due(SKIP);
    const second = await due(SKIP);
    expect(await history(db)).toMatchObject([
      {
        id: second,
        outcome: 'cancelled',
        error: {
          name: 'Overlap',
          message: 'another run of its concurrency key "k" was still running when it was to start',
        },
      },
    ]);
    await endOne();
    const third = await due(SKIP);
    expect(started).toEqual([first, third]);
  });

  it('does so whichever policy the running one has, and in whichever queue it is', async () => {
    const { started, due } = await startSlowOwner();
    const first = await due('k', { queue: 'other' });
    const second = await due(SKIP);
    expect(started).toEqual([first]);
    expect(await outcomes()).toEqual([dropped(second)]);
  });

  it('starts beside runs of another key', async () => {
    const { started, due } = await startSlowOwner();
    const first = await due(SKIP);
    const second = await due(keyed({ mode: 'skip' }, 'other'));
    expect(started).toEqual([first, second]);
  });

  it('ends when a run without a policy of its key, due at the same time, starts before it', async () => {
    const { owner, started, add, pass } = await startSlowOwner();
    const first = await add({ concurrencyKey: 'k', priority: 5 });
    const second = await add({ concurrencyKey: SKIP });
    await owner.claimAll();
    await pass();
    expect(started).toEqual([first]);
    expect(await outcomes()).toEqual([dropped(second)]);
  });
});

describe('a run that queues', () => {
  it('waits for its turn, one after the other, with as many as come', async () => {
    const { started, due, endOne } = await startSlowOwner();
    const [first, second, third] = [await due(QUEUE), await due(QUEUE), await due(QUEUE)];
    await endOne();
    expect(started).toEqual([first, second]);
    await endOne();
    expect(started).toEqual([first, second, third]);
    expect(await outcomes()).toEqual([succeeded(first), succeeded(second)]);
  });

  it('is dropped where as many as it says wait already', async () => {
    const { due } = await startSlowOwner();
    const bounded = keyed({ mode: 'queue', max: 1 });
    await due(bounded);
    await due(bounded);
    expect(await outcomes()).toEqual([]);
    const third = await due(bounded);
    expect(await outcomes()).toEqual([dropped(third)]);
  });
});

describe('the latest run', () => {
  it('takes the place of those that waited before it, and lets the running one end', async () => {
    const { started, due, endOne } = await startSlowOwner();
    const [first, second, third] = [await due(LATEST), await due(LATEST), await due(LATEST)];
    expect(await history(db)).toMatchObject([
      {
        id: second,
        error: { message: 'a later run of its concurrency key "k" took its place while it waited' },
      },
    ]);
    await endOne();
    expect(started).toEqual([first, third]);
    expect(await outcomes()).toEqual(expect.arrayContaining([dropped(second), succeeded(first)]));
  });

  it('is the last one due, not the one of the lowest priority', async () => {
    const { due, started, endOne } = await startSlowOwner();
    const first = await due(LATEST);
    const humble = await due(LATEST, { priority: -9 });
    const urgent = await due(LATEST, { priority: 9 });
    expect(await outcomes()).toEqual([dropped(humble)]);
    await endOne();
    expect(started).toEqual([first, urgent]);
  });
});

describe('a run that replaces', () => {
  it('cancels the running one, and starts once that has ended', async () => {
    const { started, due, pass } = await startSlowOwner();
    const first = await due('k');
    const second = await due(REPLACE);
    await until('the second has started', async () => {
      await pass();
      return started.length === 2;
    });
    expect(started).toEqual([first, second]);
    expect(await history(db)).toMatchObject([
      {
        id: first,
        outcome: 'cancelled',
        error: { message: 'a later run of its concurrency key "k" takes its place' },
      },
    ]);
  });

  it('asks a run that goes on elsewhere to end, under any policy of its own', async () => {
    const { member, owner, add, due } = await startSlowOwner();
    const elsewhere = await add({ concurrencyKey: QUEUE });
    await sql`insert into carillon.claim (id, replica, run_ids) values (gen_random_uuid(), ${member.self().replica + 1}, array[${elsewhere}::uuid])`.execute(
      db,
    );
    await due(REPLACE);
    expect(owner.held.running).toBe(0);
    await until('it is asked', async () => {
      await owner.heldWatch.runOnce();
      const { rows } = await sql<{ id: RunId }>`
        select id from carillon.run where cancel_requested_at is not null`.execute(db);
      return rows[0]?.id === elsewhere;
    });
  });
});

describe('a former owner', () => {
  it('I7: starts nothing more of such a key, and leaves the decision to its successor', async () => {
    const { member, owner, add, pass } = await startSlowOwner();
    await add({ concurrencyKey: SKIP });
    await add({ concurrencyKey: LATEST });
    await owner.claimAll();
    await sql`update carillon.slot_owner set owner = ${member.self().replica + 1}, epoch = epoch + 1`.execute(
      db,
    );
    await member.ownership.runOnce();
    expect(owner.held.takeDue(systemClock.monotonicMs())).toEqual([]);
    await pass();
    expect(await history(db)).toEqual([]);
    expect(owner.held.size).toBe(0);
  });
});
