// Does a run that is outside belong to its lease alone? Passes are made by hand, and time is moved in the rows.
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { LeaseEndRequest } from '#execution/leases/lease-ends.js';
import {
  addPulled,
  age,
  COMPLETE,
  JOB,
  leasedRuns,
  only,
  runRow,
  startLeasedWork,
} from '../../support/leased-work.js';
import { count, history } from '../../support/run-rows.js';

describe('a run that goes outside', () => {
  it('leaves its claim, and no owner claims it again before its lease ends', async () => {
    const { db, tenant, park, replica, take, say } = await startLeasedWork();
    const [id] = await addPulled(db, tenant);
    await park();
    expect(await count(db, 'claim')).toBe(0);
    await park();
    expect(replica.held.size).toBe(0);
    expect(await leasedRuns(db, tenant.slot)).toEqual([
      { slot: tenant.slot, id, tenantId: tenant.id, jobType: JOB, concurrencyKey: 'k', isLeased: true },
    ]);
    expect(await say(await only(take()))).toMatchObject({
      kind: 'ended',
      answer: { runId: id, state: 'succeeded' },
    });
    expect(await leasedRuns(db, tenant.slot)).toEqual([]);
    expect(await history(db)).toMatchObject([{ id, outcome: 'succeeded', attempt: 1, output: 'done' }]);
  });

  it('does not go when its claim was revoked meanwhile (I4)', async () => {
    const { db, tenant, replica } = await startLeasedWork();
    await addPulled(db, tenant);
    await replica.claimAll();
    await sql`delete from carillon.claim`.execute(db);
    await replica.finish();
    expect(await leasedRuns(db, tenant.slot)).toEqual([]);
    expect(await runRow(db)).toMatchObject({ isParked: false });
  });

  it('is not touched by the death of the replica that put it there', async () => {
    const { db, tenant, park, replica, take, say } = await startLeasedWork();
    await addPulled(db, tenant);
    await park();
    await sql`update carillon.replica set state = 'dead'`.execute(db);
    await replica.revocation.runOnce();
    expect(await runRow(db)).toMatchObject({ attempt: 1, losses: 0, isParked: true });
    expect(await say(await only(take()))).toMatchObject({ kind: 'ended' });
  });
});

describe('two who end the same lease', () => {
  it('decide the run once, however they race (I2)', async () => {
    const { db, tenant, park, take, say } = await startLeasedWork();
    await addPulled(db, tenant);
    await park();
    const lease = await only(take());
    const requests: LeaseEndRequest[] = [
      COMPLETE,
      { verb: 'fail', error: { name: 'E', message: 'm' }, fatal: true, retryAfterMs: null },
      { verb: 'release' },
      { verb: 'snooze', delayMs: 1 },
    ];
    const endings = await Promise.all(requests.map((request) => say(lease, request)));
    expect(endings.map(({ kind }) => kind).toSorted()).toEqual(['ended', 'lost', 'lost', 'lost']);
    expect((await count(db, 'run')) + (await count(db, 'run_history'))).toBe(1);
  });

  it('never take the same offer', async () => {
    const { db, tenant, park, take } = await startLeasedWork();
    await addPulled(db, tenant, 20);
    await park();
    const taken = (await Promise.all([1, 2, 3, 4].map(() => take(10)))).flat();
    expect(taken).toHaveLength(20);
    expect(new Set(taken.map(({ runId }) => runId)).size).toBe(20);
  });
});

describe('a worker that goes silent', () => {
  it('before its first heartbeat has probably not got the lease: it is offered again, as another attempt with nothing held against it', async () => {
    const { db, tenant, park, take, say, beat, endOverdue } = await startLeasedWork();
    await addPulled(db, tenant);
    await park();
    const first = await only(take());
    await age(db, ['expires_at']);
    await endOverdue();
    expect(await beat(first)).toBeUndefined();
    const second = await only(take());
    expect(second).toMatchObject({ runId: first.runId, attempt: 2 });
    expect(await runRow(db)).toMatchObject({
      failures: 0,
      losses: 0,
      past: [{ attempt: 1, outcome: 'lost' }],
    });
    expect(second.id).not.toBe(first.id);
    expect(second.fencing).toBeGreaterThan(first.fencing);
    expect(await say(first)).toMatchObject({ kind: 'unknown' });
    expect(await say(second)).toMatchObject({ kind: 'ended' });
  });

  it('later has lost its attempt, and the run goes on elsewhere', async () => {
    const { db, tenant, park, take, say, beat, endOverdue } = await startLeasedWork();
    const [id] = await addPulled(db, tenant);
    await park();
    const lease = await only(take());
    await beat(lease);
    await age(db, ['expires_at']);
    await endOverdue();
    expect(await runRow(db)).toMatchObject({
      attempt: 2,
      losses: 1,
      failures: 0,
      isParked: false,
      past: [{ outcome: 'lost' }],
    });
    expect(await say(lease)).toMatchObject({ kind: 'lost', verb: 'lose' });
    await park();
    expect(await only(take())).toMatchObject({ runId: id, attempt: 2 });
  });

  it('again and again over the same run: the run goes to the dead letters', async () => {
    const { db, tenant, park, take, beat, endOverdue } = await startLeasedWork();
    const [id] = await addPulled(db, tenant);
    for (let losses = 0; losses < 3; losses += 1) {
      await park();
      await beat(await only(take()));
      await age(db, ['expires_at']);
      await endOverdue();
    }
    expect(await history(db)).toMatchObject([{ id, outcome: 'dead-lettered', attempt: 3 }]);
  });

  it('for longer than its timeout has failed, by the retry policy', async () => {
    const { db, tenant, park, take, beat, endOverdue } = await startLeasedWork({ maxAttempts: 1 });
    await addPulled(db, tenant);
    await park();
    await beat(await only(take()));
    await age(db, ['times_out_at', 'expires_at']);
    await endOverdue();
    expect(await history(db)).toMatchObject([
      { outcome: 'dead-lettered', error: { name: 'AttemptStopped' } },
    ]);
  });

  it('over a run whose deadline has come: the run expires', async () => {
    const { db, tenant, park, take, endOverdue } = await startLeasedWork();
    await addPulled(db, tenant);
    await park();
    await only(take());
    await age(db, ['deadline', 'expires_at']);
    await endOverdue();
    expect(await history(db)).toMatchObject([{ outcome: 'expired', attempt: 1 }]);
  });
});

describe('a worker that goes on after its run was cancelled', () => {
  it('is told, has the grace time from then on however often it beats, and then nothing', async () => {
    const { db, tenant, park, take, beat, endOverdue, say } = await startLeasedWork();
    const [id] = await addPulled(db, tenant);
    await park();
    const lease = await only(take());
    await beat(lease);
    await sql`update carillon.run set cancel_requested_at = clock_timestamp()`.execute(db);
    const told = await beat(lease);
    expect(told).toMatchObject({ cancelRequested: true });
    const graceMs = (told?.expiresAt.getTime() ?? 0) - Date.now();
    expect(graceMs).toBeGreaterThan(5_000);
    expect(graceMs).toBeLessThanOrEqual(10_000);
    expect((await beat(lease))?.expiresAt).toEqual(told?.expiresAt);
    await age(db, ['expires_at']);
    await endOverdue();
    expect(await history(db)).toMatchObject([{ id, outcome: 'cancelled' }]);
    expect(await say(lease)).toEqual({ kind: 'lost', verb: 'cancel', late: { runId: id, attempt: 1 } });
  });

  it('need not beat when it is an endpoint: its time ends with the grace time after the request', async () => {
    const { db, tenant, park, take, endOverdue } = await startLeasedWork();
    const [id] = await addPulled(db, tenant);
    await park();
    await only(take());
    await sql`update carillon.lease set kind = 'push', lease_ms = null, worker = null, expires_at = times_out_at`.execute(
      db,
    );
    await sql`update carillon.run set cancel_requested_at = clock_timestamp() - interval '5 s'`.execute(db);
    await endOverdue();
    expect(await count(db, 'run')).toBe(1);
    await sql`update carillon.run set cancel_requested_at = clock_timestamp() - interval '11 s'`.execute(db);
    await endOverdue();
    expect(await history(db)).toMatchObject([{ id, outcome: 'cancelled' }]);
  });
});

it('an end is told for a day, and then forgotten', async () => {
  const { db, tenant, park, take, say, endOverdue } = await startLeasedWork();
  await addPulled(db, tenant, 2);
  await park();
  const [first, second] = await take();
  if (first === undefined || second === undefined) throw new Error('expected two leases');
  await say(first);
  await say(second);
  await sql`update carillon.ended_lease set ended_at = ended_at - interval '25 hours' where id = ${first.id}`.execute(
    db,
  );
  await endOverdue();
  expect(await say(first)).toEqual({ kind: 'unknown' });
  expect(await say(second)).toMatchObject({ kind: 'ended', answer: { state: 'succeeded' } });
});
