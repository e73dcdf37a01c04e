// Does an audit miss the due time of a success that came to nothing, and none that is on its way?
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { inSnapshot } from '#database/connection.js';
import { FollowingLoop } from '#scheduling/following/following-loop.js';
import { readUnanswered } from '#scheduling/revisions/followed.repository.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import { FakeClock } from '../../support/fake-clock.js';
import { addPair, addSchedule, HOUR_MS, succeed } from '../../support/following.js';
import { useLoneMember } from '../../support/test-member.js';
import { decideThePast, plannerOf } from '../../support/test-planner.js';

const { db, member, tenant } = useLoneMember();

const missed = ({ id: scheduleId }: Schedule) => {
  const span = { from: new Date(Date.now() - 6 * HOUR_MS), to: new Date(Date.now() + HOUR_MS) };
  return inSnapshot(db, (tx) => readUnanswered(tx, { scheduleId, ...span }));
};
const hoursAgo = (hours: number) => new Date(Date.now() - hours * HOUR_MS);

async function oldPair(): ReturnType<typeof addPair> {
  const pair = await addPair(db, tenant);
  await sql`update carillon.schedule set created_at = ${hoursAgo(5)}`.execute(db);
  return pair;
}

it('misses none that is noted, placed, left behind or decided', async () => {
  const { followed, follower } = await oldPair();
  const twice = hoursAgo(3);
  await succeed(db, followed, [twice, twice, hoursAgo(2), new Date()]);
  const loop = new FollowingLoop(member.leadership, new FakeClock());
  const steps = [
    () => loop.runOnce(),
    () => plannerOf(member).runOnce(),
    () => loop.runOnce(),
    () => decideThePast(db, member),
  ];
  for (const step of steps) {
    expect(await missed(follower)).toEqual([]);
    await step();
  }
  expect(await missed(follower)).toEqual([]);
});

it('misses what is nowhere', async () => {
  const { followed, follower } = await oldPair();
  const lost = hoursAgo(2);
  await succeed(db, followed, [hoursAgo(3), lost]);
  await sql`delete from carillon.due_note where due_at = ${lost}`.execute(db);
  expect(await missed(follower)).toEqual([lost]);
});

it('misses nothing of a schedule that waits for a year', async () => {
  const { followed } = await oldPair();
  const spec = { kind: 'follow', schedule: followed.name, seconds: 31_536_000 } as const;
  const follower = await addSchedule(db, tenant, spec);
  await succeed(db, followed, [hoursAgo(1)]);
  expect(await missed(follower)).toEqual([]);
});

it('does not miss what ended before the schedule was there', async () => {
  const { followed, follower } = await oldPair();
  await succeed(db, followed, [hoursAgo(5.5)]);
  await sql`delete from carillon.due_note`.execute(db);
  expect(await missed(follower)).toEqual([]);
});
