// What becomes of a schedule's due run while another run of the schedule is running, in this replica or elsewhere?
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { systemClock } from '#database/runtime/system-clock.js';
import { randomUUID } from '#database/runtime/uuid.js';
import { asId, type RunId } from '#kernel/ids.js';
import { scheduleKey, type ScheduleKey } from '#kernel/schedule-key.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { history } from '../../support/run-rows.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;
const scheduleId = asId.schedule(randomUUID());

/** An owner whose handler `slow` runs until it is let go, or stopped. */
async function ownerOf(overlap: ScheduleKey['overlap'], running = 100) {
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
  const owner = await startOwner(member, {
    handlers: { slow, other: slow },
    limits: { held: 1_000, running },
  });
  const tenant = await addTenant(db);
  const concurrencyKey = scheduleKey({ scheduleId, overlap });
  const due = async (wish: { jobType?: string; concurrencyKey?: string } = {}): Promise<RunId> => {
    const [id] = await addRuns(db, tenant, 1, { jobType: 'slow', concurrencyKey, ...wish });
    await owner.claimAll();
    await pass();
    return id as RunId; // one was asked for
  };
  const pass = async (): Promise<void> => {
    await owner.start.runOnce();
    await owner.settleLoop.runOnce();
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
  return { member, owner, tenant, started, due, pass, endOne };
}

const outcomes = async () =>
  (await history(db)).map(({ id, outcome, error }) => ({ id, outcome, error: error?.name ?? null }));
const dropped = (id: RunId) => ({ id, outcome: 'cancelled', error: 'Overlap' });
const succeeded = (id: RunId) => ({ id, outcome: 'succeeded', error: null });

describe('a schedule that skips', () => {
  it('starts nothing while a run of it is running, and goes on afterwards', async () => {
    const { started, due, endOne } = await ownerOf({ mode: 'skip' });
    const first = await due();
    const second = await due();
    expect(await outcomes()).toEqual([dropped(second)]);
    await endOne();
    const third = await due();
    expect(started).toEqual([first, third]);
    expect(await outcomes()).toEqual([succeeded(first), dropped(second)]);
  });

  it('counts runs that were planned under another policy and for another job type', async () => {
    const { started, due } = await ownerOf({ mode: 'skip' });
    const first = await due({
      jobType: 'other',
      concurrencyKey: scheduleKey({ scheduleId, overlap: { mode: 'queue', max: 3 } }),
    });
    const second = await due();
    expect(started).toEqual([first]);
    expect(await outcomes()).toEqual([dropped(second)]);
  });

  it('starts one of those that were due together', async () => {
    const { owner, tenant, started, pass } = await ownerOf({ mode: 'skip' });
    const concurrencyKey = scheduleKey({ scheduleId, overlap: { mode: 'skip' } });
    const ids = await addRuns(db, tenant, 5, { jobType: 'slow', concurrencyKey });
    await owner.claimAll();
    await pass();
    expect(started).toHaveLength(1);
    expect(await outcomes()).toEqual(ids.filter((id) => !started.includes(id)).map(dropped));
  });

  it('lets a run that waits for its retry wait for its turn', async () => {
    const { owner, due, tenant, started, pass, endOne } = await ownerOf({ mode: 'skip' });
    const concurrencyKey = scheduleKey({ scheduleId, overlap: { mode: 'skip' } });
    const first = await due();
    const [retried] = await addRuns(db, tenant, 1, { jobType: 'slow', concurrencyKey });
    await sql`update carillon.run set attempt = 2, failures = 1 where id = ${retried}`.execute(db);
    await owner.claimAll();
    await pass();
    expect(await outcomes()).toEqual([]);
    await endOne();
    expect(started).toEqual([first, retried]);
  });

  it('decides while all of the running capacity is taken', async () => {
    const { due } = await ownerOf({ mode: 'skip' }, 1);
    await due();
    const second = await due();
    expect(await outcomes()).toEqual([dropped(second)]);
  });
});

describe('a schedule that queues', () => {
  it('lets as many wait as it says, in their order, one after the other', async () => {
    const { started, due, endOne } = await ownerOf({ mode: 'queue', max: 2 });
    const [first, second, third, fourth] = [await due(), await due(), await due(), await due()];
    expect(await outcomes()).toEqual([dropped(fourth)]);
    await endOne();
    expect(started).toEqual([first, second]);
    await endOne();
    expect(started).toEqual([first, second, third]);
  });

  it('decides about more due times than a limited lane is worth holding', async () => {
    const { owner, tenant, pass } = await ownerOf({ mode: 'queue', max: 60 });
    const concurrencyKey = scheduleKey({ scheduleId, overlap: { mode: 'queue', max: 60 } });
    await addRuns(db, tenant, 70, { jobType: 'slow', concurrencyKey });
    await owner.claimAll();
    await pass();
    expect(await history(db)).toHaveLength(9);
  });
});

describe('a schedule that replaces', () => {
  it('cancels the running one for the latest', async () => {
    const { started, due, pass } = await ownerOf({ mode: 'replace' });
    const first = await due();
    const second = await due();
    await until('the second has started', async () => {
      await pass();
      return started.length === 2;
    });
    expect(started).toEqual([first, second]);
    expect(await history(db)).toMatchObject([
      { id: first, outcome: 'cancelled', error: { message: 'a later run of its schedule takes its place' } },
    ]);
  });

  it('asks a run that goes on elsewhere to end', async () => {
    const { member, owner, tenant, due } = await ownerOf({ mode: 'replace' });
    const concurrencyKey = scheduleKey({ scheduleId, overlap: { mode: 'replace' } });
    const [elsewhere] = await addRuns(db, tenant, 1, { jobType: 'slow', concurrencyKey });
    await sql`insert into carillon.claim (id, replica, run_ids) values (gen_random_uuid(), ${member.self().replica + 1}, array[${elsewhere}::uuid])`.execute(
      db,
    );
    await due();
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
  it('I7: starts nothing more of such a schedule, and leaves the decision to its successor', async () => {
    const { member, owner, tenant, pass } = await ownerOf({ mode: 'skip' });
    const concurrencyKey = scheduleKey({ scheduleId, overlap: { mode: 'skip' } });
    await addRuns(db, tenant, 2, { jobType: 'slow', concurrencyKey });
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
