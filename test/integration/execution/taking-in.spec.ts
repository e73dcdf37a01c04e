// Does the owner hold a run that its insert has claimed, and only where a claim might have taken it? Where anything is in
// the way the run waits in the table, and nothing is lost or done twice.
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { holdGateAlone } from '#cluster/membership/replica-gate.js';
import { inSnapshot, inTransaction } from '#database/connection.js';
import type { NewRun } from '#execution/intake/new-run.repository.js';
import { NO_RULES, type LaneRules } from '#execution/limits/decisions/lane-rules.js';
import type { TakenInRun } from '#execution/intake/run-intake.js';
import { takeIn } from '#execution/taking-in/take-in.repository.js';
import { asId, type RunId } from '#kernel/ids.js';
import { ASKED_SLEEP_MS } from '#kernel/loop.js';
import { openTransaction } from '../../support/open-transaction.js';
import { addRuns, addTenant, newRunOf } from '../../support/rows.js';
import { count, history } from '../../support/run-rows.js';
import { acmesJob, requestOf } from '../../support/taking-in.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startLoneMember, type TestMember } from '../../support/test-member.js';
import { startOwner, type OwnerOptions } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

let member: TestMember;
let owner: Awaited<ReturnType<typeof startOwner>>;
let seen: string[];

async function own(options: OwnerOptions = {}): Promise<void> {
  const handlers = { noop: (_job: unknown, { runId }: { runId: string }) => void seen.push(runId) };
  owner = await startOwner(member, { handlers, ...options });
  await owner.claimAll();
}

beforeEach(async () => {
  seen = [];
  await addTenant(db, 'acme');
  member = await startLoneMember(database.url);
  await own();
});

async function take(run: Partial<NewRun> = {}, meanwhile?: () => Promise<unknown>) {
  const { tenant, job, proof } = await acmesJob(db);
  await meanwhile?.();
  const wanted = newRunOf(tenant, run);
  const assumed = { tenantId: tenant.id, jobType: wanted.jobType, proof };
  return owner.takingIn.take(job, { run: wanted, assumed });
}

async function laneOfTenant() {
  const { tenant } = await acmesJob(db);
  return { tenantId: tenant.id, slot: tenant.slot };
}

const idOf = (taken: TakenInRun | null): RunId => taken?.row?.id ?? asId.run('none');
const rowsOf = async () => [await count(db, 'run'), await count(db, 'claim')];

describe('a run that is taken in', () => {
  it('is in the table, claimed and held, and is done without another claim', async () => {
    const taken = await take({ payload: { b: 1, aa: [null] }, tags: ['x'], concurrencyKey: 'k' });
    expect(taken).toMatchObject({ isHeld: true, row: { state: 'queued', tags: ['x'], concurrencyKey: 'k' } });
    expect(await rowsOf()).toEqual([1, 1]);
    expect(owner.held.size).toBe(1);
    await owner.finish();
    expect(seen).toEqual([idOf(taken)]);
    expect(await history(db)).toMatchObject([{ id: idOf(taken), outcome: 'succeeded', attempt: 1 }]);
    expect(await rowsOf()).toEqual([0, 0]);
  });

  it('is claimed by no claim beside, whether its answer has come or not', async () => {
    const taken = await take();
    await owner.claimAll();
    expect(await rowsOf()).toEqual([1, 1]);
    await owner.finish();
    const { tenant } = await acmesJob(db);
    const [id = asId.run('none')] = await addRuns(db, tenant, 1);
    const entering = { tenantId: tenant.id, lane: 'default/noop', id };
    owner.claim.door.entering.add(entering);
    await owner.claimAll();
    expect(owner.held.size).toBe(0);
    owner.claim.door.entering.remove(entering);
    await owner.claimAll();
    await owner.finish();
    expect(seen).toEqual([idOf(taken), id]);
  });

  it('comes with all that come meanwhile, and each lane in one group at a time', async () => {
    const { tenant, job, proof } = await acmesJob(db);
    const runs = Array.from({ length: 50 }, (_, n) =>
      newRunOf(tenant, { queue: n % 2 === 0 ? 'even' : 'odd' }),
    );
    const assumed = { tenantId: tenant.id, jobType: 'noop', proof };
    const all = await Promise.all(runs.map((run) => owner.takingIn.take(job, { run, assumed })));
    expect(all.map((taken) => taken?.isHeld)).toEqual(runs.map(() => true));
    expect(all.map(idOf)).toEqual(runs.map(({ id }) => id));
    expect(await count(db, 'claim')).toBeLessThanOrEqual(5);
    await owner.finish();
    expect(seen.toSorted()).toEqual(runs.map(({ id }) => id).toSorted());
  });

  it('waits while a claim from its lane is on its way, and enters behind it', async () => {
    const { promise: claimed, resolve: endClaim } = Promise.withResolvers<void>();
    const lane = { ...(await laneOfTenant()), lane: 'default/noop' };
    const claim = owner.claim.door.closedTo({ lanes: [lane] }, () => claimed);
    const taken = take();
    expect(await take({ queue: 'aside' })).toMatchObject({ isHeld: true });
    expect(await count(db, 'run')).toBe(1);
    endClaim();
    await claim;
    expect(await taken).toMatchObject({ isHeld: true });
    // The loop is asleep, so that the next one that waits wakes it.
    expect(await owner.takingIn.runOnce()).toBe(ASKED_SLEEP_MS);
  });

  it('is held under the rules that it has proved, but for those that a scan has read since it was sent', async () => {
    await take();
    const [{ run } = expect.fail('expected a held run, got none')] = owner.held.all();
    const { claim, rules } = owner;
    const limitedTo = (maxConcurrent: number): LaneRules => ({ ...NO_RULES, jobType: { maxConcurrent } });
    const [older, newer] = [limitedTo(1), limitedTo(2)];
    claim.door.entering.add(run);
    const none = { weight: null, tenant: null, locks: null };
    claim.door.noteRules([{ ...run, ...none, paused: false, jobType: newer.jobType }]);
    claim.door.enter(member.self(), [{ run, rules: older }]);
    expect(rules.of(run)).toEqual(newer);
    claim.door.leave(run);
    claim.door.enter(member.self(), [{ run, rules: older }]);
    expect(rules.of(run)).toEqual(older);
  });

  it('starts within the limits of its job type', async () => {
    let [running, most] = [0, 0];
    const noop = async (): Promise<void> => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    };
    await own({ limitsOf: { noop: { maxConcurrent: 2 } }, handlers: { noop } });
    for (let runs = 5; runs > 0; runs -= 1) expect(await take()).toMatchObject({ isHeld: true });
    await owner.finish();
    expect(most).toBe(2);
    expect(await count(db, 'run_history')).toBe(5);
  });
});

describe('a run waits in the table', () => {
  const expectWaiting = async (taken: TakenInRun | null): Promise<void> => {
    expect(taken).toMatchObject({ isHeld: false, row: { state: 'queued' } });
    expect(owner.held.size).toBe(0);
    expect(await count(db, 'claim')).toBe(0);
  };
  const setOwner = (change: string) => sql`update carillon.slot_owner set ${sql.raw(change)}`.execute(db);

  it.each([
    ['whose slot has another owner', 'owner = owner + 1000'],
    ['whose slot went away and came back', 'epoch = epoch + 1'],
    ['whose slot is being handed over', 'target = owner + 1000'],
  ])('%s', async (_, change) => {
    await expectWaiting(await take({}, () => setOwner(change)));
  });

  it.each([
    ['draining', { state: 'draining' as const }],
    ['dead', { state: 'dead' as const }],
  ])('whose replica is %s, which it does not know yet', async (_, change) => {
    await expectWaiting(await take({}, () => db.updateTable('replica').set(change).execute()));
  });

  it('whose queue is paused', async () => {
    const { tenant } = await acmesJob(db);
    await sql`insert into carillon.queue (tenant_id, name, paused_at) values (${tenant.id}, 'aside', now())`.execute(
      db,
    );
    await expectWaiting(await take({ queue: 'aside' }));
    expect(await take()).toMatchObject({ isHeld: true });
  });

  it('without a wait for the gate of its replica', async () => {
    const { letGo } = await openTransaction((pause) =>
      inTransaction(db, async (tx) => {
        await holdGateAlone(tx, member.self().replica);
        await pause();
      }),
    );
    await expectWaiting(await take());
    await letGo();
  });

  it('behind one of its lane that waits there, and starts after it', async () => {
    const { tenant } = await acmesJob(db);
    const [first] = await addRuns(db, tenant, 1, { payload: {} });
    await addRuns(db, tenant, 1, { runAt: new Date(Date.now() + 3_600_000) });
    const second = await take();
    await expectWaiting(second);
    expect(await take({ queue: 'aside' })).toMatchObject({ isHeld: true });
    await owner.finish();
    seen = [];
    await owner.claimAll();
    await owner.finish();
    expect(seen).toEqual([first, idOf(second)]);
  });
});

describe('nothing is written', () => {
  it('for a run that has waited for half a second: it goes the other way', async () => {
    const lane = { ...(await laneOfTenant()), lane: 'default/noop' };
    const { promise: claimed, resolve: endClaim } = Promise.withResolvers<void>();
    const claim = owner.claim.door.closedTo({ lanes: [lane] }, () => claimed);
    let isBack = false;
    const taken = take().finally(() => (isBack = true));
    await until('it is given up', async () => {
      const againInMs = await owner.takingIn.runOnce();
      expect(isBack || againInMs <= 500 || againInMs === ASKED_SLEEP_MS).toBe(true);
      return isBack;
    });
    expect(await taken).toBeNull();
    endClaim();
    await claim;
    expect(await rowsOf()).toEqual([0, 0]);
  });

  it('for a tenant or job type that has changed', async () => {
    const change = () => db.updateTable('tenant').set({ weight: 3 }).execute();
    expect(await take({}, change)).toEqual({ row: null, isHeld: false });
    expect(await rowsOf()).toEqual([0, 0]);
  });

  it.each([
    ['is not plain', { priority: 1 }],
    ['the database refuses', { payload: 'a\u0000b' }],
  ])('for a run that %s: it goes the other way', async (_, run) => {
    expect(await take(run)).toBeNull();
    expect(await rowsOf()).toEqual([0, 0]);
  });

  it('by a replica that leaves, or may be declared dead', async () => {
    await member.membership.drain();
    expect(await take()).toBeNull();
    expect(await rowsOf()).toEqual([0, 0]);
  });

  it('in a transaction that does not see what was committed behind the gate', async () => {
    const request = await requestOf(db, owner.claim.door);
    await expect(inSnapshot(db, (tx) => takeIn(tx, member.self(), request))).rejects.toThrow(
      'expected a transaction that is READ COMMITTED, got REPEATABLE READ',
    );
  });
});
