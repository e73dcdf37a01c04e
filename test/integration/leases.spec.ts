// Does a run that is outside belong to its lease alone? Passes are made by hand, and time is moved in the rows.
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '#database/connection.js';
import { DEFAULT_RETRY } from '#execution/job-type.js';
import { acquireLeases } from '#execution/lease-acquisition.js';
import { endLease, type LeaseWord } from '#execution/lease-ends.js';
import { beatLease, type TakenLease } from '#execution/lease.repository.js';
import { foreignRuns } from '#execution/claim.repository.js';
import type { JobTypeLimits } from '#execution/limits.js';
import { cancelRuns, endOverdue } from '#execution/run-ending.js';
import { listEndable } from '#execution/run-ending.repository.js';
import { insertWorker, registerPulledJobType } from '#execution/worker.repository.js';
import { asId, type RunId, type Slot, type TenantId } from '#kernel/ids.js';
import { addRuns, addTenant, openDatabase } from '../support/rows.js';
import { count, history } from '../support/run-rows.js';
import { createTestDatabase } from '../support/test-database.js';
import { startLoneMember } from '../support/test-member.js';
import { startWorker } from '../support/test-worker.js';
import { until } from '../support/until.js';

const JOB = 'pulled';
const COMPLETE: LeaseWord = { verb: 'complete', outputJson: '"done"' };

async function outside(retry: object = {}, limits: JobTypeLimits = {}) {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const { url } = database;
  const db = openDatabase(url);
  const member = await startLoneMember(url);
  const replica = await startWorker(member);
  const tenant = await addTenant(db);
  await registerPulledJobType(db, tenant.id, {
    name: JOB,
    target: { kind: 'pull', leaseSeconds: 30 },
    retry: { ...DEFAULT_RETRY, minMs: 0, jitter: 0, ...retry },
    timeoutMs: 60_000,
    payloadSchema: null,
  });
  await sql`update carillon.job_type set limits = ${JSON.stringify(limits)}::jsonb where name = ${JOB}`.execute(
    db,
  );
  const worker = asId.worker(randomUUID());
  await insertWorker(db, {
    id: worker,
    tenantId: tenant.id,
    name: 'w',
    jobTypes: [JOB],
    slots: 1,
    labels: {},
  });
  return {
    db,
    member,
    replica,
    tenant,
    /** Lets the owner claim what is due and put it outside. */
    park: async () => {
      await replica.claimAll();
      await replica.finish();
    },
    take: async (max = 10): Promise<TakenLease[]> => {
      const request = { tenantId: tenant.id, worker, requestId: randomUUID(), jobTypes: [JOB], max };
      const acquisition = await acquireLeases(db, request);
      return acquisition.kind === 'leases' ? acquisition.leases : [];
    },
    say: (lease: TakenLease, word: LeaseWord = COMPLETE) =>
      endLease(db, { tenantId: tenant.id, id: lease.id, word, random: () => 0 }),
    beat: (lease: TakenLease) => beatLease(db, { tenantId: tenant.id, id: lease.id }),
    sweep: () => replica.leaseSweep.runOnce(),
  };
}

/** What is outside of this slot, as its owner counts it. */
async function leasedRuns(db: Database, slot: Slot) {
  const runs = await foreignRuns(db, { replica: asId.replica(-1), slots: [slot] });
  return runs.filter(({ isLeased }) => isLeased);
}

async function addPulled(db: Database, tenant: { id: TenantId; slot: Slot }, runs = 1): Promise<RunId[]> {
  return addRuns(db, tenant, runs, { jobType: JOB, concurrencyKey: 'k', queue: 'mail' });
}

async function only(leases: Promise<TakenLease[]>): Promise<TakenLease> {
  const [lease, ...others] = await leases;
  if (lease === undefined || others.length > 0)
    throw new Error(`expected one lease, got ${others.length + (lease ? 1 : 0)}`);
  return lease;
}

/** As if so much time had passed. */
async function age(
  db: Database,
  columns: readonly ('expires_at' | 'times_out_at' | 'deadline')[],
): Promise<void> {
  for (const column of columns)
    await sql`update carillon.lease set ${sql.ref(column)} = clock_timestamp() - interval '1 second'`.execute(
      db,
    );
}

async function runRow(db: Database) {
  const { rows } = await sql<{
    attempt: number;
    losses: number;
    failures: number;
    isParked: boolean;
    past: object[] | null;
  }>`
    select attempt, losses, failures, run_at = 'infinity' as "isParked", past_attempts as past from carillon.run`.execute(
    db,
  );
  return rows[0];
}

describe('a run that goes outside', () => {
  it('leaves its claim, and no owner claims it again before its lease ends', async () => {
    const { db, tenant, park, replica, take, say } = await outside();
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
    const { db, tenant, replica } = await outside();
    await addPulled(db, tenant);
    await replica.claimAll();
    await sql`delete from carillon.claim`.execute(db);
    await replica.finish();
    expect(await leasedRuns(db, tenant.slot)).toEqual([]);
    expect(await runRow(db)).toMatchObject({ isParked: false });
  });

  it('is not touched by the death of the replica that put it there', async () => {
    const { db, tenant, park, replica, take, say } = await outside();
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
    const { db, tenant, park, take, say } = await outside();
    await addPulled(db, tenant);
    await park();
    const lease = await only(take());
    const words: LeaseWord[] = [
      COMPLETE,
      { verb: 'fail', error: { name: 'E', message: 'm' }, fatal: true, retryAfterMs: null },
      { verb: 'release' },
      { verb: 'snooze', delayMs: 1 },
    ];
    const endings = await Promise.all(words.map((word) => say(lease, word)));
    expect(endings.map(({ kind }) => kind).toSorted()).toEqual(['ended', 'lost', 'lost', 'lost']);
    expect((await count(db, 'run')) + (await count(db, 'run_history'))).toBe(1);
  });

  it('never take the same offer', async () => {
    const { db, tenant, park, take } = await outside();
    await addPulled(db, tenant, 20);
    await park();
    const taken = (await Promise.all([1, 2, 3, 4].map(() => take(10)))).flat();
    expect(taken).toHaveLength(20);
    expect(new Set(taken.map(({ runId }) => runId)).size).toBe(20);
  });
});

describe('a worker that goes silent', () => {
  it('before its first heartbeat has probably not got the lease: it is offered again, as another attempt with nothing held against it', async () => {
    const { db, tenant, park, take, say, beat, sweep } = await outside();
    await addPulled(db, tenant);
    await park();
    const first = await only(take());
    await age(db, ['expires_at']);
    await sweep();
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
    const { db, tenant, park, take, say, beat, sweep } = await outside();
    const [id] = await addPulled(db, tenant);
    await park();
    const lease = await only(take());
    await beat(lease);
    await age(db, ['expires_at']);
    await sweep();
    expect(await runRow(db)).toMatchObject({
      attempt: 2,
      losses: 1,
      failures: 0,
      isParked: false,
      past: [{ outcome: 'lost' }],
    });
    expect(await say(lease)).toEqual({ kind: 'lost', verb: 'lose' });
    await park();
    expect(await only(take())).toMatchObject({ runId: id, attempt: 2 });
  });

  it('again and again over the same run: the run goes to the dead letters', async () => {
    const { db, tenant, park, take, beat, sweep } = await outside();
    const [id] = await addPulled(db, tenant);
    for (let losses = 0; losses < 3; losses += 1) {
      await park();
      await beat(await only(take()));
      await age(db, ['expires_at']);
      await sweep();
    }
    expect(await history(db)).toMatchObject([{ id, outcome: 'dead-lettered', attempt: 3 }]);
  });

  it('for longer than its timeout has failed, by the retry policy', async () => {
    const { db, tenant, park, take, beat, sweep } = await outside({ maxAttempts: 1 });
    await addPulled(db, tenant);
    await park();
    await beat(await only(take()));
    await age(db, ['times_out_at', 'expires_at']);
    await sweep();
    expect(await history(db)).toMatchObject([
      { outcome: 'dead-lettered', error: { name: 'AttemptStopped' } },
    ]);
  });

  it('over a run whose deadline has come: the run expires', async () => {
    const { db, tenant, park, take, sweep } = await outside();
    await addPulled(db, tenant);
    await park();
    await only(take());
    await age(db, ['deadline', 'expires_at']);
    await sweep();
    expect(await history(db)).toMatchObject([{ outcome: 'expired', attempt: 1 }]);
  });
});

describe('an offer', () => {
  it('that nobody takes goes back to the owner untouched', async () => {
    const { db, tenant, park, sweep } = await outside();
    await addPulled(db, tenant);
    await park();
    await age(db, ['expires_at']);
    await sweep();
    expect(await runRow(db)).toEqual({ attempt: 1, losses: 0, failures: 0, isParked: false, past: null });
    await park();
    expect(await runRow(db)).toMatchObject({ attempt: 1, isParked: true });
  });

  it('can be cancelled at once; one that is taken can not', async () => {
    const { db, tenant, park, take, beat, sweep } = await outside();
    const [offered, taken] = [await addPulled(db, tenant), await addPulled(db, tenant)].flat();
    await park();
    const first = await only(take(1));
    expect(first.runId).toBe(offered);
    const waiting = asId.run(String(taken));
    const ids = [first.runId, waiting];
    expect(await cancelRuns(db, { tenantId: tenant.id, slot: tenant.slot, ids })).toEqual({
      ended: [waiting],
      requested: [first.runId],
    });
    expect(await history(db)).toMatchObject([{ id: waiting, outcome: 'cancelled' }]);
    expect(await take()).toEqual([]);
    expect(await beat(first)).toMatchObject({ cancelRequested: true });
    await age(db, ['expires_at']);
    await sweep();
    expect(await history(db)).toMatchObject([{ outcome: 'cancelled' }, { outcome: 'cancelled' }]);
  });

  it('is withdrawn by the sweep of endings where a request to cancel met it on its way out', async () => {
    const { db, tenant, park, take } = await outside();
    const [id] = await addPulled(db, tenant);
    await park();
    await sql`update carillon.run set cancel_requested_at = clock_timestamp()`.execute(db);
    expect(await take()).toEqual([]);
    expect(await endOverdue(db, await listEndable(db, 10))).toEqual([id]);
    expect(await count(db, 'lease')).toBe(0);
    expect(await history(db)).toMatchObject([{ id, outcome: 'cancelled' }]);
  });

  it('counts against limits from the moment that it leaves its replica until its lease ends (I7)', async () => {
    const { db, tenant, replica, take, say } = await outside({}, { maxConcurrent: 1 });
    await addPulled(db, tenant, 2);
    const pass = async () => {
      replica.claim.hint([tenant.slot]);
      await replica.claim.runOnce();
      await replica.start.runOnce();
      await replica.settleLoop.runOnce();
      return (await leasedRuns(db, tenant.slot)).map(({ id }) => id);
    };
    const outsideNow = async () => {
      const ids = await pass();
      return ids.length > 0 && ids;
    };
    const [first] = await until('one is outside', outsideNow);
    for (let again = 0; again < 5; again += 1) expect(await pass()).toEqual([first]);
    await say(await only(take()));
    const [second] = await until('the other one is outside', outsideNow);
    expect(second).not.toBe(first);
  });
});

it('an end is told for a day, and then forgotten', async () => {
  const { db, tenant, park, take, say, sweep } = await outside();
  await addPulled(db, tenant, 2);
  await park();
  const [first, second] = await take();
  if (first === undefined || second === undefined) throw new Error('expected two leases');
  await say(first);
  await say(second);
  await sql`update carillon.ended_lease set ended_at = ended_at - interval '25 hours' where id = ${first.id}`.execute(
    db,
  );
  await sweep();
  expect(await say(first)).toEqual({ kind: 'unknown' });
  expect(await say(second)).toMatchObject({ kind: 'ended', answer: { state: 'succeeded' } });
});
