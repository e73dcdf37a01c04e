// Does leadership go to the right replica, also when the old leader does not let go of it?
import { describe, expect, it } from 'vitest';
import { beginTerm, endTerm, readLeadership } from '#cluster/leadership/leadership.repository.js';
import { REPLICA_GATE } from '#database/advisory-locks.js';
import { asId } from '#kernel/ids.js';
import { moveOnTo, returnToService } from '#cluster/membership/replica.repository.js';
import { listReplicas } from '#cluster/membership/replica-listing.repository.js';
import { runStatement } from '../../support/admin-statement.js';
import { useTestDatabase } from '../../support/test-database.js';
import { asAdministrator, openClient } from '../../support/rows.js';
import { startLoneMember, startMember, type TestMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

const silence = { deadAfterMs: 5_000, marginMs: 1_000 };
const handClock = () => {
  const clock = { ms: 0, monotonicMs: () => clock.ms, now: () => new Date() };
  return clock;
};

/** Beats and looks at its clock for that long. */
async function live(member: TestMember, clock: { ms: number }, forMs: number): Promise<void> {
  for (const end = clock.ms + forMs; clock.ms < end;) {
    clock.ms += 1_000;
    await member.membership.beat();
  }
}

describe('a leader that is frozen', () => {
  it('is followed by another, which ends the session that still holds the lock', async () => {
    const frozen = await startLoneMember(database.url);
    const { term } = frozen.leader();
    const clock = handClock();
    const follower = await startMember(database.url, { clock, settings: silence });
    await live(follower, clock, 4_000);
    await follower.election.runOnce();
    expect(follower.leadership.current()).toBeNull();
    await live(follower, clock, 2_000);
    await follower.election.runOnce();
    expect(follower.leadership.current()?.term).toBe(term + 1);
    await until('the old leader has lost its session', () => frozen.membership.controlDb() === null);
    expect(frozen.leadership.current()).toBeNull();
  });

  it('loses its slots `deadAfterMs` after its last beat, though it has sessions left and another one leads only now', async () => {
    const frozen = await startLoneMember(database.url);
    const { replica } = frozen.self();
    const clock = handClock();
    const follower = await startMember(database.url, { clock, settings: silence });
    await live(follower, clock, 4_000);
    // The server ends the control session of a process that sleeps; no setting ends those of its pool.
    await runStatement(
      asAdministrator(database.url),
      `select pg_terminate_backend(pid, 1000) from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and locktype = 'advisory' and objid = ${replica}`,
    );
    await follower.lead();
    await follower.sweep.runOnce();
    expect((await listReplicas(db, { ended: 1 })).map(({ state }) => state)).toEqual(['active', 'active']);
    for (let seen = 0; seen < 3; seen += 1) {
      await live(follower, clock, 1_000);
      await follower.sweep.runOnce();
    }
    expect((await listReplicas(db, { ended: 1 })).map(({ state }) => state)).toEqual(['active', 'dead']);
  });

  it('whose gate is held holds up no other that is dead, nor its slots', async () => {
    const clock = handClock();
    const leader = await startMember(database.url, { clock, settings: silence });
    const [stuck, other] = [await startMember(database.url), await startMember(database.url)];
    await leader.lead();
    const holder = await openClient(database.url);
    await holder.query('begin');
    await holder.query('select pg_advisory_xact_lock($1, $2)', [REPLICA_GATE, stuck.self().replica]);
    await leader.sweep.runOnce();
    const states = async () => {
      const all = await listReplicas(db, { ended: 2 });
      return [leader, stuck, other].map(({ self }) => all.find((it) => it.number === self().replica)?.state);
    };
    const errors: unknown[] = [];
    const sweepFor = async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        await live(leader, clock, 1_000);
        await leader.sweep.runOnce().catch((error: unknown) => errors.push(error));
      }
    };
    await sweepFor(7);
    expect(errors.length).toBeGreaterThan(0);
    expect(await states()).toEqual(['active', 'active', 'dead']);
    await holder.query('rollback');
    // Its own session may have been silent for too long while it waited for the gate.
    await leader.membership.beat();
    if (leader.leadership.current() === null) await leader.lead();
    await sweepFor(7);
    expect(await states()).toEqual(['active', 'dead', 'dead']);
  });

  it('is left alone as long as it beats', async () => {
    const leader = await startLoneMember(database.url);
    const clock = handClock();
    const follower = await startMember(database.url, { clock, settings: silence });
    for (let second = 0; second < 10; second += 1) {
      await leader.membership.beat();
      await live(follower, clock, 1_000);
      await follower.election.runOnce();
    }
    expect(leader.leadership.current()).not.toBeNull();
  });
});

describe('a preferred leader', () => {
  it('gets leadership back once it has beaten steadily for `deadAfterMs`, by a clean hand-over', async () => {
    const clock = handClock();
    const deputy = await startLoneMember(database.url, { clock, settings: silence });
    const preferred = await startMember(database.url, { preference: 5 });
    for (let ms = 0; ms < 5_000; ms += 500) {
      clock.ms += 500;
      await Promise.all([deputy.membership.beat(), preferred.membership.beat()]);
      await deputy.sweep.runOnce();
    }
    expect(deputy.leadership.current()).not.toBeNull();
    clock.ms += 500;
    await Promise.all([deputy.membership.beat(), preferred.membership.beat()]);
    await deputy.sweep.runOnce();
    expect(deputy.leadership.current()).toBeNull();
    await deputy.election.runOnce();
    expect(deputy.leadership.current()).toBeNull();
    await preferred.lead();
    expect(preferred.leader().term).toBe(2);
  });

  it('waits while another replica is silent, whose failover a new leader would begin anew', async () => {
    const clock = handClock();
    const deputy = await startLoneMember(database.url, { clock, settings: silence });
    const preferred = await startMember(database.url, { preference: 5 });
    const frozen = await startMember(database.url);
    const sweepUntil = async (endMs: number, ...beating: TestMember[]): Promise<void> => {
      while (clock.ms < endMs) {
        clock.ms += 500;
        await Promise.all([deputy, preferred, ...beating].map(({ membership }) => membership.beat()));
        await deputy.sweep.runOnce();
      }
    };
    await sweepUntil(2_000, frozen);
    await sweepUntil(6_500);
    expect(deputy.leadership.current()).not.toBeNull();
    await sweepUntil(7_000);
    const isDead = (await listReplicas(db, { ended: 0 })).every(
      ({ number }) => number !== frozen.self().replica,
    );
    expect([isDead, deputy.leadership.current()]).toEqual([true, null]);
  });

  it('leaves leadership to anybody if it does not take it within a second', async () => {
    const clock = handClock();
    const member = await startMember(database.url, { clock, settings: silence });
    const other = await startMember(database.url);
    member.leadership.yieldTo(other.self().replica);
    await member.election.runOnce();
    expect(member.leadership.current()).toBeNull();
    clock.ms += 1_000;
    await member.membership.beat();
    await member.election.runOnce();
    expect(member.leadership.current()).not.toBeNull();
  });
});

describe('an order', () => {
  it('to end the term reaches the leader with its next beat', async () => {
    const leader = await startLoneMember(database.url);
    expect(await endTerm(db)).toBe(2);
    await leader.membership.beat();
    expect(leader.leadership.current()).toBeNull();
    expect((await leader.lead()).term).toBe(3);
  });

  it('to drain is heard with the next beat, and taken back as well', async () => {
    const member = await startLoneMember(database.url);
    let heard = 0;
    member.membership.draining.subscribe(() => (heard += 1));
    await moveOnTo(db, member.self().replica, 'draining');
    await member.membership.beat();
    await member.membership.beat();
    expect([member.membership.isDraining, heard]).toEqual([true, 1]);
    await returnToService(db, member.self().replica);
    await member.membership.beat();
    expect(member.membership.isDraining).toBe(false);
  });
});

describe('by heartbeats alone, as behind a pooler', () => {
  const byBeats = { ...silence, liveness: 'heartbeats' } as const;

  it('the first to look leads, without a lock, and a second one does not', async () => {
    const [first, second] = [
      await startMember(database.url, { settings: byBeats }),
      await startMember(database.url, { settings: byBeats }),
    ];
    await second.membership.beat();
    await first.election.runOnce();
    expect(first.leadership.current()?.term).toBe(1);
    await second.election.runOnce();
    expect(second.leadership.current()).toBeNull();
  });

  it('a leader whose beats stand still for `deadAfterMs` is followed, and can write no more', async () => {
    const old = await startMember(database.url, { settings: byBeats });
    const deposed = await old.lead();
    const clock = handClock();
    const follower = await startMember(database.url, { clock, settings: byBeats });
    await live(follower, clock, 4_000);
    await follower.election.runOnce();
    expect(follower.leadership.current()).toBeNull();
    await live(follower, clock, 2_000);
    await follower.election.runOnce();
    expect(follower.leadership.current()?.term).toBe(2);
    expect(await old.leadership.write(deposed, async () => 'written')).toEqual({ kind: 'fenced' });
  });

  it('a leader that drains gives its term up, and is followed while it still beats', async () => {
    const old = await startMember(database.url, { settings: byBeats });
    await old.lead();
    const follower = await startMember(database.url, { settings: byBeats });
    old.leadership.standDown('this replica is draining');
    await old.membership.drain();
    await old.membership.beat();
    await old.election.runOnce();
    await follower.membership.beat();
    await follower.election.runOnce();
    expect([old.leadership.current(), follower.leadership.current()?.term]).toEqual([null, 2]);
  });

  it('a replica that did not hear that it has won gives that term up, and begins another', async () => {
    const member = await startMember(database.url, { settings: byBeats });
    const unheard = await beginTerm(db, member.self(), { kind: 'vacancy', after: asId.term(0) });
    await member.membership.beat();
    await member.election.runOnce();
    expect([unheard, member.leadership.current()?.term, (await readLeadership(db)).term]).toEqual([1, 2, 2]);
  });

  it('a leader that stood down gives up no term but its own', async () => {
    const old = await startMember(database.url, { settings: byBeats });
    await old.lead();
    await old.membership.beat();
    old.leadership.standDown('somebody else leads');
    const follower = await startMember(database.url, { settings: byBeats });
    await beginTerm(db, follower.self(), { kind: 'vacancy', after: asId.term(1) });
    await old.election.runOnce();
    expect(old.leadership.current()).toBeNull();
    expect(await readLeadership(db)).toMatchObject({ term: 2, replica: follower.self().replica });
  });
});
