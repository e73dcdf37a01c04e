// Is no due time lost when a request changes a schedule that follows another one, in the moment in which the leader puts
// its notes in order?
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import { inTransaction } from '#database/connection.js';
import { FollowingLoop } from '#scheduling/following/following-loop.js';
import * as notes from '#scheduling/following/following.repository.js';
import { withSchedule } from '#scheduling/schedules/held-schedule.js';
import { goOnAt } from '#scheduling/schedules/plan-end.js';
import { updateSchedule, type Schedule } from '#scheduling/schedules/schedule.repository.js';
import { changeSchedule, type ScheduleChange } from '#scheduling/schedules/schedules.js';
import { FakeClock } from '../../support/fake-clock.js';
import { addPair, addSchedule, HOUR_MS, nextDueOf, succeed } from '../../support/following.js';
import { openTransaction, untilOneWaits } from '../../support/open-transaction.js';
import { useLoneMember } from '../../support/test-member.js';
import { decideThePast, plannerOf } from '../../support/test-planner.js';

const { db, member, tenant } = useLoneMember();
let loop: FollowingLoop;

beforeEach(() => {
  loop = new FollowingLoop(member.leadership, new FakeClock());
});

const refOf = ({ name }: Schedule) => ({ tenant, name, revision: null });
const change = (schedule: Schedule, wish: ScheduleChange) =>
  changeSchedule(db, { ...refOf(schedule), by: 'test' }, wish);
const fromNow = (ms: number) => new Date(Date.now() + ms);

async function plannedPair(dueTimes: readonly Date[]): Promise<Schedule> {
  const { followed, follower } = await addPair(db, tenant);
  await succeed(db, followed, dueTimes);
  await loop.runOnce();
  await plannerOf(member).runOnce();
  expect(await outcomesOf(follower)).toEqual(dueTimes.map((dueAt) => ({ dueAt, outcome: 'planned' })));
  return follower;
}

async function outcomesOf({ id }: Schedule): Promise<{ dueAt: Date; outcome: string }[]> {
  const { rows } = await sql<{ dueAt: Date; outcome: string }>`
    select due_at as "dueAt", outcome from carillon.fire where schedule_id = ${id} order by due_at`.execute(
    db,
  );
  return rows;
}

it.each(['the leader', 'the request'])(
  'keeps what a request takes back, when %s comes first',
  async (first) => {
    const dueTimes = [fromNow(1_500), fromNow(1_600)];
    const follower = await plannedPair(dueTimes);
    const forgetting = (pause: () => Promise<void>) =>
      inTransaction(db, async (tx) => {
        await notes.forgetDecided(tx);
        await pause();
      });
    const takingBack = (pause: () => Promise<void>) =>
      withSchedule(db, refOf(follower), async (tx, schedule) => {
        const nextDueAt = await goOnAt(tx, schedule);
        await pause();
        return updateSchedule(tx, { ...schedule, catchUp: undefined, nextDueAt, by: 'test' });
      });
    const [before, after] = first === 'the leader' ? [forgetting, takingBack] : [takingBack, forgetting];
    const open = await openTransaction<unknown>(before);
    const second = after(async () => undefined);
    await untilOneWaits(db, second);
    await open.letGo();
    await second;
    await loop.runOnce();
    await plannerOf(member).runOnce();
    expect(await outcomesOf(follower)).toEqual(dueTimes.map((dueAt) => ({ dueAt, outcome: 'planned' })));
  },
);

it('a new spec is not due when the former one was', async () => {
  const { followed, follower } = await addPair(db, tenant);
  await succeed(db, followed, [new Date()]);
  await loop.runOnce();
  await sql`update carillon.schedule set next_due_at = null where id = ${follower.id}`.execute(db);
  const nextDueAt = fromNow(HOUR_MS);
  const spec = { kind: 'at', at: nextDueAt } as const;
  const open = await openTransaction((pause) =>
    withSchedule(db, refOf(follower), async (tx, schedule) => {
      await updateSchedule(tx, { ...schedule, spec, nextDueAt, by: 'test' });
      await pause();
    }),
  );
  const pass = loop.runOnce();
  await untilOneWaits(db, pass);
  await open.letGo();
  await pass;
  expect(await nextDueOf(db, follower)).toEqual(nextDueAt);
});

it('waits for no request while it holds what that request may want', async () => {
  const { followed, follower } = await addPair(db, tenant);
  const dueTimes = [fromNow(1_500), fromNow(1_600)];
  await succeed(db, followed, dueTimes);
  await loop.runOnce();
  await plannerOf(member).runOnce();
  const open = await openTransaction((pause) =>
    withSchedule(db, refOf(follower), async (tx, schedule) => {
      await goOnAt(tx, schedule);
      await pause();
    }),
  );
  expect(await loop.runOnce()).toBeGreaterThan(0);
  await open.letGo();
});

it('of two successes in one millisecond the second is due, though the first is left behind', async () => {
  const { followed, follower } = await addPair(db, tenant);
  const [longAgo, last] = [fromNow(-2 * HOUR_MS), fromNow(-HOUR_MS)];
  await succeed(db, followed, [longAgo, last]);
  await loop.runOnce();
  await plannerOf(member).runOnce();
  await loop.runOnce();
  await succeed(db, followed, [longAgo]);
  await loop.runOnce();
  await plannerOf(member).runOnce();
  await decideThePast(db, member);
  expect((await outcomesOf(follower)).map(({ dueAt }) => Number(dueAt) - Number(longAgo))).toEqual([
    0,
    1,
    HOUR_MS,
  ]);
});

it('may come to follow one that a request holds, and is about to make follow another one', async () => {
  const [{ followed }, { followed: first }] = [await addPair(db, tenant), await addPair(db, tenant)];
  const after = ({ name }: Schedule) => ({ kind: 'follow', schedule: name, seconds: 0 }) as const;
  const open = await openTransaction((pause) =>
    withSchedule(db, refOf(followed), async (tx, schedule) => {
      await pause();
      return updateSchedule(tx, { ...schedule, spec: after(first), nextDueAt: null, by: 'test' });
    }),
  );
  const added = addSchedule(db, tenant, after(followed));
  await untilOneWaits(db, added);
  expect(await open.letGo()).toMatchObject({ spec: after(first) });
  expect(await added).toMatchObject({ spec: after(followed) });
});

it('passes by a schedule that a request holds, and comes back soon', async () => {
  const { followed, follower } = await addPair(db, tenant);
  const dueAt = new Date();
  const open = await openTransaction((pause) => withSchedule(db, refOf(follower), pause));
  await succeed(db, followed, [dueAt]);
  expect(await loop.runOnce()).toBeLessThan(100);
  expect(await nextDueOf(db, follower)).toBeNull();
  await open.letGo();
  await loop.runOnce();
  expect(await nextDueOf(db, follower)).toEqual(dueAt);
});

it('successes that come to be known when those around them are left behind get their rows', async () => {
  const { followed, follower } = await addPair(db, tenant);
  const [first, ...others] = [5, 4, 3, 2].map((hours) => fromNow(-hours * HOUR_MS)) as [Date, ...Date[]];
  const [last] = others.splice(-1) as [Date];
  await succeed(db, followed, [first, last]);
  await loop.runOnce();
  await plannerOf(member).runOnce();
  await succeed(db, followed, others);
  for (let pass = 0; pass < 2; pass += 1) {
    await loop.runOnce();
    await plannerOf(member).runOnce();
  }
  await decideThePast(db, member);
  expect((await outcomesOf(follower)).map(({ dueAt }) => dueAt)).toEqual([first, ...others, last]);
});

it('is paused and resumed, and planned as before', async () => {
  const dueTimes = [fromNow(1_500), fromNow(1_600)];
  const follower = await plannedPair(dueTimes);
  await loop.runOnce();
  for (const kind of ['pause', 'resume'] as const)
    expect(await change(follower, { kind })).toMatchObject({ kind: 'changed' });
  await plannerOf(member).runOnce();
  expect(await outcomesOf(follower)).toEqual(dueTimes.map((dueAt) => ({ dueAt, outcome: 'planned' })));
});
