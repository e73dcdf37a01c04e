// Do due times follow from runs when notes are many, late or lost, and after an outage?
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { FollowingLoop } from '#scheduling/following/following-loop.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import { FakeClock } from '../../support/fake-clock.js';
import { addPair, addSchedule, HOUR_MS, nextDueOf, succeed, type Owner } from '../../support/following.js';
import { addTenant } from '../../support/rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { decideThePast, plannerOf } from '../../support/test-planner.js';

/** More than one pass takes. */
const CROWD = 700;
let clock: FakeClock;
let loop: FollowingLoop;
const { db, member, tenant } = useLoneMember();

beforeEach(() => {
  clock = new FakeClock();
  loop = new FollowingLoop(member.leadership, clock);
});

const add = (of: Owner, spec: ScheduleSpec) => addSchedule(db, of, spec);
const nextOf = (schedule: Schedule) => nextDueOf(db, schedule);
async function fill(of: Owner): Promise<void> {
  const { followed } = await addPair(db, of);
  await succeed(
    db,
    followed,
    Array.from({ length: CROWD }, () => new Date()),
  );
}

it('one tenant’s success is found in the first pass, however many another one has', async () => {
  await fill(await addTenant(db));
  const { followed, follower } = await addPair(db, tenant);
  const now = new Date();
  await succeed(db, followed, [now]);
  await loop.runOnce();
  expect(await nextOf(follower)).toEqual(now);
});

it('of many successes in one instant each is a due time', async () => {
  await fill(tenant);
  await loop.runOnce();
  await loop.runOnce();
  const { rows } = await sql<{ distinct: number }>`
    select count(distinct due_at)::int as "distinct" from carillon.due_note where is_placed`.execute(db);
  expect(rows).toEqual([{ distinct: CROWD }]);
});

it('a due time that the planner has moved past, before it was known, is due all the same', async () => {
  const { followed, follower } = await addPair(db, tenant);
  const now = new Date();
  await succeed(db, followed, [now]);
  await loop.runOnce();
  await sql`update carillon.schedule set next_due_at = null where id = ${follower.id}`.execute(db);
  await loop.runOnce();
  expect(await nextOf(follower)).toEqual(now);
});

it('a chain goes on whose note was lost', async () => {
  const chain = await add(tenant, { kind: 'delay', seconds: 60 });
  await sql`update carillon.schedule set next_due_at = null where id = ${chain.id}`.execute(db);
  await sql`delete from carillon.due_note`.execute(db);
  await loop.runOnce();
  expect(await nextOf(chain)).toBeInstanceOf(Date);
  await sql`update carillon.schedule set next_due_at = null where id = ${chain.id}`.execute(db);
  await sql`delete from carillon.due_note`.execute(db);
  await loop.runOnce();
  expect(await nextOf(chain)).toBeNull();
  clock.advance(10_000);
  await loop.runOnce();
  expect(await nextOf(chain)).toBeInstanceOf(Date);
});

it('successes that passed in an outage are caught up on, or have their rows', async () => {
  const { followed, follower } = await addPair(db, tenant);
  const times = [3, 2, 1].map((hours) => new Date(Date.now() - hours * HOUR_MS));
  await succeed(db, followed, times);
  await loop.runOnce();
  await plannerOf(member).runOnce();
  await decideThePast(db, member);
  const { rows } = await sql<object>`
    select due_at as "dueAt", outcome, reason from carillon.fire where schedule_id = ${follower.id} order by due_at`.execute(
    db,
  );
  expect(rows).toEqual([
    { dueAt: times[0], outcome: 'coalesced', reason: 'outage' },
    { dueAt: times[1], outcome: 'coalesced', reason: 'outage' },
    { dueAt: times[2], outcome: 'planned', reason: 'catch-up' },
  ]);
  await loop.runOnce();
  expect(await nextOf(follower)).toBeNull();
  expect((await sql`select 1 from carillon.due_note`.execute(db)).rows).toEqual([]);
});

it('a chain whose due time passed in an outage, and is too old, goes on from then', async () => {
  const chain = await add(tenant, { kind: 'delay', seconds: 60 });
  const longAgo = new Date(Date.now() - 48 * HOUR_MS);
  await sql`update carillon.schedule set next_due_at = ${longAgo} where id = ${chain.id}`.execute(db);
  await plannerOf(member).runOnce();
  const before = Date.now();
  await loop.runOnce();
  expect(Number(await nextOf(chain))).toBeGreaterThan(before + 50_000);
  await decideThePast(db, member);
  const { rows } =
    await sql<object>`select outcome, reason from carillon.fire where schedule_id = ${chain.id}`.execute(db);
  expect(rows).toEqual([{ outcome: 'missed', reason: 'catch-up window' }]);
});
