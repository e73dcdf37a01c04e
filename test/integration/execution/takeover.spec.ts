// What happens to runs whose owner died, was expelled, or leaves?
import { describe, expect, it } from 'vitest';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { markDead } from '#cluster/membership/replica.repository.js';
import { poisonError } from '#execution/takeover/decisions/poison.js';
import { deadLetter } from '#execution/takeover/revocation.repository.js';
import { asId } from '#kernel/ids.js';
import { useTestDatabase } from '../../support/test-database.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { count, history } from '../../support/run-rows.js';
import { startLoneMember, startMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const POISONED = poisonError({ losses: 3, crashes: 2, lastError: null });

const database = useTestDatabase();
const { db } = database;

describe('taking over', () => {
  it('I2, I4: runs of the dead are done again with a lost attempt, and its late results change nothing', async () => {
    const leader = await startLoneMember(database.url);
    const successor = await startOwner(leader);
    const victim = await startMember(database.url, { roles: ['worker'] });
    const victimOwner = await startOwner(victim);
    await sql`update carillon.slot_owner set owner = ${victim.self().replica}`.execute(db);
    await victim.ownership.runOnce();
    const ids = await addRuns(db, await addTenant(db), 5);
    await victimOwner.claimAll();
    await victimOwner.start.runOnce();
    await until('the victim has ended its attempts', () => victimOwner.held.running === 0);
    const startedAt = '2026-11-21T08:00:00Z';
    await sql`update carillon.claim set started = ${JSON.stringify({ [ids[0] ?? '']: startedAt })}::jsonb`.execute(
      db,
    );

    await markDead(db, { replica: victim.self().replica, term: leader.leader().term, reason: 'hung' });
    await sql`update carillon.slot_owner set owner = ${leader.self().replica}, epoch = epoch + 1`.execute(db);
    await leader.ownership.runOnce();
    await successor.claimAll();
    expect(successor.held.size).toBe(0);
    await successor.revocation.runOnce();
    await until('the runs are free again', async () => {
      await successor.claimAll();
      return successor.held.size === 5;
    });
    await victimOwner.settleLoop.runOnce();
    expect(await count(db, 'run_history')).toBe(0);
    await successor.finish();
    const rows = await history(db);
    expect(rows.map((row) => row.id)).toEqual(ids);
    expect(rows.every((row) => row.attempt === 2 && row.pastAttempts?.[0]?.outcome === 'lost')).toBe(true);
    expect(rows[0]?.pastAttempts).toMatchObject([{ outcome: 'lost', startedAt }]);
  });

  it('claims the runs of the dead as soon as their claims are revoked, not with its next look everywhere', async () => {
    const leader = await startLoneMember(database.url);
    const successor = await startOwner(leader);
    const dead = asId.replica(leader.self().replica + 1_000);
    const tenant = await addTenant(db);
    const [first, second] = await addRuns(db, tenant, 2);
    for (const id of [first, second])
      await sql`insert into carillon.claim (id, replica, run_ids) values (gen_random_uuid(), ${dead}, array[${id}::uuid])`.execute(
        db,
      );
    await successor.claimAll();
    expect(successor.held.size).toBe(0);
    // With a hint, which comes sooner than the list of what others hold is read again by itself ...
    await sql`delete from carillon.claim where ${first} = any(run_ids)`.execute(db);
    successor.claim.hint([tenant.slot]);
    await successor.claim.runOnce();
    expect(successor.held.size).toBe(1);
    // ... and without one, in the very pass that reads it and finds no other holder any more.
    await sql`delete from carillon.claim where replica = ${dead}`.execute(db);
    await until('the list is read again', async () => (await successor.claim.runOnce()) > 250);
    expect(successor.held.size).toBe(2);
  });

  it('I2: a result whose claim was revoked is discarded and reported', async () => {
    const member = await startLoneMember(database.url);
    const owner = await startOwner(member);
    const lost: string[] = [];
    owner.settleLoop.claimLost.subscribe((id) => lost.push(id));
    const [id] = await addRuns(db, await addTenant(db), 1);
    await owner.claimAll();
    await sql`delete from carillon.claim`.execute(db);
    await owner.finish();
    expect(lost).toEqual([id]);
    expect(await count(db, 'run')).toBe(1);
  });

  it('revokes a large death in bounded steps', async () => {
    const leader = await startLoneMember(database.url);
    const owner = await startOwner(leader);
    await addRuns(db, await addTenant(db), 1);
    const dead = asId.replica(leader.self().replica + 1_000);
    await sql`insert into carillon.claim (id, replica, run_ids) select gen_random_uuid(), ${dead}, '{}' from generate_series(1, 45)`.execute(
      db,
    );
    await owner.revocation.runOnce();
    expect(await count(db, 'claim')).toBe(25);
    while ((await owner.revocation.runOnce()) < 1_000);
    expect(await count(db, 'claim')).toBe(0);
  });

  it('sends a run that kills its replicas to the dead letters, and spares those that were only held beside it', async () => {
    const leader = await startLoneMember(database.url);
    const owner = await startOwner(leader, {
      handlers: { deadly: () => new Promise(() => undefined), patient: () => new Promise(() => undefined) },
    });
    const tenant = await addTenant(db);
    const [deadly] = await addRuns(db, tenant, 1, { jobType: 'deadly', priority: 1 });
    const [beside] = await addRuns(db, tenant, 1, { jobType: 'patient' });
    const failed = (attempt: number, message: string) => ({
      attempt,
      outcome: 'failed',
      error: { name: 'Error', message },
    });
    const past = JSON.stringify([failed(1, 'disk is full'), failed(2, 'no heap left')]);
    await sql`update carillon.run set attempt = 3, past_attempts = ${past}::jsonb where id = ${deadly}`.execute(
      db,
    );
    for (let death = 1; death <= 3; death += 1) {
      const victim = await startMember(database.url, { roles: ['worker'] });
      const victimOwner = await startOwner(victim, {
        handlers: { deadly: () => new Promise(() => undefined), patient: () => new Promise(() => undefined) },
      });
      await sql`update carillon.slot_owner set owner = ${victim.self().replica}`.execute(db);
      await victim.ownership.runOnce();
      await victimOwner.claimAll();
      await victimOwner.start.runOnce();
      await markDead(db, { replica: victim.self().replica, term: leader.leader().term, reason: 'crashed' });
      await victim.leave();
      await owner.revocation.runOnce();
    }
    expect(await history(db)).toMatchObject([
      {
        id: deadly,
        outcome: 'dead-lettered',
        attempt: 5,
        error: {
          name: 'Poison',
          message: expect.stringMatching(/got 3 replicas that died.*\. Last error: Error: no heap left$/),
        },
      },
    ]);
    const { rows } = await sql`select id, losses, crashes from carillon.run`.execute(db);
    expect(rows).toEqual([{ id: beside, losses: 3, crashes: 1 }]);
  });

  it('I1: decides the fire of a run that goes to the dead letters, unless it was decided', async () => {
    const leader = await startLoneMember(database.url);
    const tenant = await addTenant(db);
    const ids = await addRuns(db, tenant, 2);
    const schedules = ids.map(() => randomUUID());
    for (const [index, outcome] of ['planned', 'fired'].entries()) {
      const dueAt = new Date('2026-11-21T08:00:00.000Z');
      await sql`update carillon.run set schedule_id = ${schedules[index]}, due_at = ${dueAt} where id = ${ids[index]}`.execute(
        db,
      );
      await sql`insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, run_id, term)
                values (${schedules[index]}, ${dueAt}, ${tenant.id}, ${outcome}, ${ids[index]}, 1)`.execute(
        db,
      );
    }
    await db
      .transaction()
      .execute((tx) => deadLetter(tx, { replica: leader.self().replica, runIds: ids, error: POISONED }));
    const { rows } = await sql`
      select outcome, reason, started_at is not null as started from carillon.fire
       order by array_position(${schedules}::uuid[], schedule_id)`.execute(db);
    expect(rows).toEqual([
      { outcome: 'late', reason: 'poison', started: true },
      { outcome: 'fired', reason: null, started: false },
    ]);
    expect(await count(db, 'run_history')).toBe(2);
  });

  it('gives waiting runs back with no attempt used when it drains', async () => {
    const member = await startLoneMember(database.url);
    const owner = await startOwner(member, { limits: { held: 10, running: 1 } });
    await addRuns(db, await addTenant(db), 3);
    await owner.claimAll();
    owner.start.giveBackWaiting();
    await owner.settleLoop.runOnce();
    const { rows } = await sql`select attempt, failures, losses, past_attempts from carillon.run`.execute(db);
    expect(rows).toEqual(
      Array.from({ length: 3 }, () => ({ attempt: 1, failures: 0, losses: 0, past_attempts: null })),
    );
    expect(await count(db, 'claim')).toBe(0);
  });

  it('I2: stops what it runs when it is no longer sure to be alive for the others, and that attempt’s number is used up', async () => {
    const clock = { ms: 0, monotonicMs: () => clock.ms, now: () => new Date() };
    const member = await startLoneMember(database.url, {
      clock,
      settings: { deadAfterMs: 5_000, marginMs: 1_000 },
    });
    const attempts: number[] = [];
    const reasons: unknown[] = [];
    const owner = await startOwner(member, {
      handlers: {
        patient: (_job, { attempt, signal }) => {
          attempts.push(attempt);
          signal.addEventListener('abort', () => reasons.push(signal.reason));
          return attempt === 1 ? new Promise(() => undefined) : null;
        },
      },
    });
    const [id] = await addRuns(db, await addTenant(db), 1, { jobType: 'patient' });
    await owner.claimAll();
    await owner.start.runOnce();
    await until('it runs', () => attempts.length === 1);
    clock.ms += 4_000;
    await owner.start.runOnce();
    await until('it is stopped', () => owner.held.running === 0);
    expect(reasons).toMatchObject([{ name: 'AttemptStopped', why: 'replica-unsure' }]);
    await owner.settleLoop.runOnce();
    const { rows } = await sql`select attempt, failures, losses from carillon.run`.execute(db);
    expect(rows).toEqual([{ attempt: 2, failures: 0, losses: 0 }]);
    await member.membership.beat();
    await owner.claimAll();
    await owner.finish();
    expect(attempts).toEqual([1, 2]);
    expect(await history(db)).toMatchObject([
      { id, outcome: 'succeeded', attempt: 2, pastAttempts: [{ attempt: 1, outcome: 'lost' }] },
    ]);
  });

  it('stops handlers and abandons their runs when the replica is expelled', async () => {
    const member = await startLoneMember(database.url);
    const reasons: unknown[] = [];
    let isCalled = false;
    const owner = await startOwner(member, {
      handlers: {
        patient: (_job, { signal }) =>
          new Promise((_, reject) => {
            isCalled = true;
            signal.addEventListener('abort', () => {
              reasons.push(signal.reason);
              reject(new Error('stopped'));
            });
          }),
      },
    });
    await addRuns(db, await addTenant(db), 1, { jobType: 'patient' });
    await owner.claimAll();
    await owner.start.runOnce();
    await until('the handler is called', () => isCalled);
    await markDead(db, { replica: member.self().replica, term: asId.term(1), reason: 'hung' });
    await member.membership.beat();
    expect(reasons).toMatchObject([{ name: 'AttemptStopped', why: 'replica-fenced' }]);
    expect([owner.held.size, owner.settleLoop.isEmpty]).toEqual([0, true]);
  });
});
