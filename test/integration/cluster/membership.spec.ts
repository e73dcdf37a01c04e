// Does a replica stay itself through a broken connection, and become another when it was declared dead?
import { describe, expect, it, onTestFinished } from 'vitest';
import { markDead } from '#cluster/membership/replica.repository.js';
import { terminateSessions } from '#cluster/membership/session-end.repository.js';
import { asId } from '#kernel/ids.js';
import { startDatabaseProxy } from '../../support/database-proxy.js';
import { createTestDatabase, useTestDatabase } from '../../support/test-database.js';
import { openClient } from '../../support/rows.js';
import { startLoneMember, startMember, type TestMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

const silence = { deadAfterMs: 5_000, marginMs: 1_000 };

describe('membership', () => {
  it('resumes its own number after its control session was ended', async () => {
    const member = await startMember(database.url);
    const before = member.self();
    await endAllSessions(before.replica);
    await until('it knows that the session broke', () => member.membership.controlDb() === null);
    await member.membership.beat();
    expect(member.self()).toBe(before);
    expect(member.membership.trusted()).toBe(before);
  });

  it('does not resume while an older session of it still holds its lock', async () => {
    const member = await startMember(database.url);
    const { replica } = member.self();
    await endAllSessions(replica);
    const thief = await openClient(database.url);
    await thief.query('select pg_try_advisory_lock($1, $2)', [0x43415231, replica]);
    await until('it knows that the session broke', () => member.membership.controlDb() === null);
    await expect(member.membership.beat()).rejects.toThrow(/older session still holds its lock/);
    await thief.query('select pg_advisory_unlock_all()');
    await member.membership.beat();
    expect(member.self().replica).toBe(replica);
  });

  it('resumes after the way to the database has forgotten its connections without a word', async () => {
    const proxy = await startDatabaseProxy(database.url);
    onTestFinished(() => proxy.cut());
    const member = await startMember(proxy.url, { settings: { deadAfterMs: 1_500, marginMs: 300 } });
    const before = member.self();
    proxy.forget();
    await expect(member.membership.beat()).rejects.toThrow('Query read timeout');
    await until('it knows that the session broke', () => member.membership.controlDb() === null);
    await member.membership.beat();
    expect(member.self()).toBe(before);
  });

  it('rejoins under a new number after it was declared dead, and says so', async () => {
    const member = await startMember(database.url);
    const before = member.self();
    const reasons: string[] = [];
    member.membership.expelled.subscribe(({ reason }) => reasons.push(reason));
    await markDead(db, { replica: before.replica, term: asId.term(1), reason: 'hung' });
    await member.membership.beat();
    expect(member.membership.trusted()).toBeNull();
    await member.membership.beat();
    expect(member.self().replica).toBeGreaterThan(before.replica);
    expect(reasons).toEqual([`the cluster lists replica ${before.replica} as dead`]);
  });

  it('trusts itself until a margin before `deadAfterMs`, counted from the start of the beat', async () => {
    const clock = { ms: 0, monotonicMs: () => clock.ms, now: () => new Date() };
    const member = await startMember(database.url, { clock, settings: silence });
    clock.ms = 3_999;
    expect(member.membership.trusted()).not.toBeNull();
    clock.ms = 4_000;
    expect(member.membership.trusted()).toBeNull();
  });

  it('is let go by the server when it stays silent for `deadAfterMs`', async () => {
    const member = await startMember(database.url, { settings: { deadAfterMs: 2_500 } });
    await until('the server has ended the silent session', () => member.membership.controlDb() === null);
  });

  it('refuses a standby, a read-only session and a pooler by name', async () => {
    const readOnly = new URL(database.url);
    readOnly.searchParams.set('options', '-c default_transaction_read_only=on');
    await expect(startMember(readOnly.href)).rejects.toThrow(/transaction_read_only: expected off, got on/);
  });
});

describe('the sweep', () => {
  it('declares a crashed replica dead and gives its slots away', async () => {
    const [leader, victim] = await cluster();
    const { replica } = victim.self();
    await crash(victim);
    await leader.sweep.runOnce();
    const client = await openClient(database.url);
    expect(
      (await client.query('select state, died_reason from carillon.replica where number = $1', [replica]))
        .rows,
    ).toEqual([{ state: 'dead', died_reason: 'crashed' }]);
    expect(await slotCount(leader.self().replica)).toBe(1024);
  });

  it('kills nobody whose connections were all reset, when it is back a sweep after it was seen to be gone', async () => {
    const clock = { ms: 0, monotonicMs: () => clock.ms, now: () => new Date() };
    const leader = await startLoneMember(database.url, { clock, settings: { crashedAfterMs: 150 } });
    const victim = await startMember(database.url);
    for (let round = 0; round < 3; round += 1) {
      await endAllSessions(victim.self().replica);
      await until('it knows that the session broke', () => victim.membership.controlDb() === null);
      await leader.sweep.runOnce();
      clock.ms += 300;
      await victim.membership.beat();
      await leader.sweep.runOnce();
    }
    expect(await liveReplicas()).toBe(2);
    // No replica comes back from this one.
    await crash(victim);
    await leader.sweep.runOnce();
    expect(await liveReplicas()).toBe(2);
    clock.ms += 300;
    await leader.sweep.runOnce();
    expect(await liveReplicas()).toBe(1);
  });

  it('leaves the sessions of another installation on the same server alone', async () => {
    const other = await createTestDatabase();
    const [leader] = await cluster();
    const namesake = await startMember(other.url);
    await startMember(other.url);
    expect(namesake.self().replica).toBe(leader.self().replica);
    const session = namesake.membership.controlDb();
    await terminateSessions(db, `carillon:${namesake.self().replica}`);
    await namesake.membership.beat();
    expect(namesake.membership.controlDb()).toBe(session);
    await other.drop();
  });

  it('declares a replica hung when its beat stood still for `deadAfterMs` of the leader’s clock, and ends its sessions', async () => {
    const clock = { ms: 0, monotonicMs: () => clock.ms, now: () => new Date() };
    const leader = await startLoneMember(database.url, { clock, settings: silence });
    const victim = await startMember(database.url);
    for (clock.ms = 0; clock.ms < 5_000; clock.ms += 250) {
      await leader.membership.beat();
      await leader.sweep.runOnce();
    }
    expect(await liveReplicas()).toBe(2);
    await leader.membership.beat();
    await leader.sweep.runOnce();
    expect(await liveReplicas()).toBe(1);
    await until('the hung one lost its session', () => victim.membership.controlDb() === null);
  });

  it('shares the slots within 1.1 times the fair share, and a join moves only its share', async () => {
    const [leader, second] = await cluster();
    const third = await startMember(database.url);
    await leader.sweep.runOnce();
    for (const member of [leader, second, third]) await member.ownership.runOnce();
    await leader.sweep.runOnce();
    for (const member of [leader, second, third]) await member.ownership.runOnce();
    const counts = await Promise.all(
      [leader, second, third].map((member) => slotCount(member.self().replica)),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1024);
    expect(Math.max(...counts)).toBeLessThanOrEqual(Math.floor((1.1 * 1024) / 3));
    expect([leader, second, third].map((member) => member.ownership.serving.size)).toEqual(counts);
  });

  it('takes the slots back of a replica that leaves as soon as it has got them', async () => {
    const leader = await startLoneMember(database.url);
    await leader.sweep.runOnce();
    const guest = await startMember(database.url);
    await leader.sweep.runOnce();
    await leader.ownership.runOnce();
    expect(await slotCount(guest.self().replica)).toBe(512);
    await guest.leave();
    await leader.sweep.runOnce();
    expect(await slotCount(leader.self().replica)).toBe(1024);
  });

  it('moves the slots of a draining replica to the others without a moment that nobody owns one', async () => {
    const [leader, leaving] = await cluster();
    await leaving.membership.drain();
    await leader.sweep.runOnce();
    expect(await slotCount(leaving.self().replica)).toBe(512);
    await leaving.ownership.runOnce();
    expect(await slotCount(leader.self().replica)).toBe(1024);
    expect(leaving.ownership.serving.size).toBe(0);
  });
});

/** A leader and a second replica, each serving half of the slots. */
async function cluster(): Promise<[TestMember, TestMember]> {
  const leader = await startLoneMember(database.url);
  const second = await startMember(database.url);
  await leader.sweep.runOnce();
  await leader.ownership.runOnce();
  await second.ownership.runOnce();
  return [leader, second];
}

/** What a SIGKILL leaves: no session, no goodbye, and a process that never beats again. */
async function crash(victim: TestMember): Promise<void> {
  const { db, replica } = victim.self();
  await db.destroy();
  await endAllSessions(replica);
  await until('its session is gone', () => victim.membership.controlDb() === null);
}

async function endAllSessions(replica: number): Promise<void> {
  const client = await openClient(database.url);
  await client.query(
    'select pg_terminate_backend(pid, 1000) from pg_stat_activity where datname = current_database() and application_name = $1',
    [`carillon:${replica}`],
  );
}

async function slotCount(replica: number): Promise<number> {
  const client = await openClient(database.url);
  const { rows } = await client.query<{ count: number }>(
    'select count(*)::int as count from carillon.slot_owner where owner = $1',
    [replica],
  );
  return rows[0]?.count ?? 0;
}

async function liveReplicas(): Promise<number> {
  const client = await openClient(database.url);
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from carillon.replica where state in ('active', 'draining')`,
  );
  return rows[0]?.count ?? 0;
}
