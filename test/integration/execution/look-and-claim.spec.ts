// Where a hint names a slot and little is in hand: are its runs looked for and claimed in one message, and is all that must
// be weighed left to a claim?
import { sql } from 'kysely';
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { holdGateAlone } from '#cluster/membership/replica-gate.js';
import { inSnapshot, inTransaction, type Tx } from '#database/connection.js';
import { claimRuns } from '#execution/claiming/claims/claim.repository.js';
import {
  lookAndClaim,
  type LookedAt,
  type LookRequest,
} from '#execution/claiming/claims/look-and-claim.repository.js';
import { asId, type RunId } from '#kernel/ids.js';
import { openTransaction } from '../../support/open-transaction.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { count, history } from '../../support/run-rows.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startLoneMember, type TestMember } from '../../support/test-member.js';
import { startOwner, type OwnerOptions } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

let member: TestMember;
let owner: Awaited<ReturnType<typeof startOwner>>;
let acme: Awaited<ReturnType<typeof addTenant>>;
let seen: string[];

beforeEach(async () => {
  seen = [];
  acme = await addTenant(db, 'acme');
  member = await startLoneMember(database.url);
  await own();
});

async function own(options: OwnerOptions = {}): Promise<void> {
  const handlers = { noop: (_job: unknown, { runId }: { runId: string }) => void seen.push(runId) };
  owner = await startOwner(member, { handlers, ...options });
  await owner.claimAll();
}

/** A pass that a hint has asked for. */
async function hinted(): Promise<number> {
  owner.claim.hint([acme.slot]);
  return owner.claim.runOnce();
}

/** One look, whose claim is taken back. */
async function look(over: Partial<LookRequest> = {}) {
  const epoch = member.ownership.serving.get(acme.slot) ?? -1;
  const request = { ...REQUEST, slots: [{ slot: acme.slot, epoch }], ...over };
  return rolledBack((tx) => lookAndClaim(tx, member.self(), request));
}

async function rolledBack<Value>(act: (tx: Tx) => Promise<Value>): Promise<Value> {
  const tx = await db.startTransaction().execute();
  try {
    return await act(tx);
  } finally {
    await tx.rollback().execute();
  }
}

const REQUEST: Omit<LookRequest, 'slots'> = {
  claimId: asId.claim(randomUUID()),
  excluded: [],
  lanesFound: 20,
  lanesClaimed: 20,
  runsOfLane: 10,
  aheadMs: 2_000,
  lateMs: 10_000,
};
const idsOf = (looked: LookedAt | null): RunId[] | undefined => looked?.runs.map(({ id }) => id);
/** Of sessions of replicas, how many have sent it last? */
const sentLast = async () => {
  const { rows } = await sql`
    select from pg_stat_activity where datname = current_database() and query like '%carillon.look_and_claim(%' and pid <> pg_backend_pid()`.execute(
    db,
  );
  return rows.length;
};

describe('a hint', () => {
  it('has the runs claimed in one message, and they are held and done once', async () => {
    const ids = await addRuns(db, acme, 3);
    expect(await sentLast()).toBe(0);
    expect(await hinted()).toBeGreaterThan(0);
    expect([await sentLast(), owner.held.size, await count(db, 'claim')]).toEqual([1, 3, 1]);
    await hinted();
    expect([owner.held.size, await count(db, 'claim')]).toEqual([3, 1]);
    await owner.finish();
    expect(seen.toSorted()).toEqual(ids);
    expect(await history(db)).toHaveLength(3);
  });

  it('leads on where a lane gives all that a look takes', async () => {
    const ids = await addRuns(db, acme, 25);
    while ((await hinted()) === 0);
    expect(owner.held.size).toBe(25);
    await owner.finish();
    expect(seen.toSorted()).toEqual(ids);
  });

  it('leads to a scan where more lanes are found than a look goes through', async () => {
    for (let n = 0; n < 25; n += 1) await addRuns(db, acme, 1, { queue: `q${n}` });
    while ((await hinted()) === 0);
    expect(owner.held.size).toBe(25);
  });

  it('leads to a scan and a claim where the function may not be called', async () => {
    await sql`drop function carillon.look_and_claim`.execute(db);
    const [id] = await addRuns(db, acme, 1);
    while ((await hinted()) === 0);
    await owner.finish();
    expect(seen).toEqual([id]);
  });

  it('does not claim what is entering', async () => {
    const [id = asId.run('none')] = await addRuns(db, acme, 1);
    const entering = { tenantId: acme.id, lane: 'default/noop', id };
    owner.claim.door.entering.add(entering);
    await hinted();
    expect(owner.held.size).toBe(0);
    owner.claim.door.entering.remove(entering);
    await hinted();
    expect(owner.held.size).toBe(1);
  });

  it('closes the lanes of its slots until it is answered', async () => {
    const lane = { slot: acme.slot, tenantId: acme.id, lane: 'default/noop' };
    const gate = await openTransaction((pause) =>
      inTransaction(db, async (tx) => {
        await holdGateAlone(tx, member.self().replica);
        await pause();
      }),
    );
    const pass = hinted();
    await until('the look waits for the gate', async () => (await sentLast()) === 1);
    expect(owner.claim.door.isClosed(lane)).toBe(true);
    await gate.letGo();
    await pass;
    expect(owner.claim.door.isClosed(lane)).toBe(false);
  });
});

describe('a look', () => {
  it('reads each run as a claim does', async () => {
    const later = new Date(Date.now() + 1_500);
    await addRuns(db, acme, 1, { payload: { text: 'é"\\\u2028', n: [1.5, null, 1e300], deep: { a: {} } } });
    await addRuns(db, acme, 1, { payload: null, priority: 3 });
    await addRuns(db, acme, 1, { payload: 'text', deadline: later, runAt: later });
    await addRuns(db, acme, 1, { payload: [], priority: -2 });
    await sql`update carillon.run set attempt = 2, failures = 1, details = '{"previous": 1}', unique_key = 'u', cancel_requested_at = now() where payload = '[]'`.execute(
      db,
    );
    const looked = await look();
    const lane = { slot: acme.slot, tenantId: acme.id, lane: 'default/noop', quota: 10, from: null };
    const epoch = member.ownership.serving.get(acme.slot) ?? -1;
    const { replica } = member.self();
    const { claimId, aheadMs, excluded } = REQUEST;
    const { runs, taken } = await rolledBack((tx) =>
      claimRuns(tx, { claimId, replica, lanes: [{ ...lane, epoch }], excluded, aheadMs }),
    );
    expect(looked?.runs).toHaveLength(4);
    expect(looked?.runs).toEqual(runs);
    expect(looked?.claimed).toMatchObject(taken);
  });

  it('tells of lanes that anything limits, and leaves them to a claim', async () => {
    const slots = await Promise.all(['limited', 'suspended'].map((name) => addTenant(db, name)));
    const [limited = acme, suspended = acme] = slots;
    await sql`update carillon.tenant set limits = '{"maxConcurrent": 1}' where id = ${limited.id}`.execute(
      db,
    );
    await sql`update carillon.tenant set state = 'suspended' where id = ${suspended.id}`.execute(db);
    await sql`insert into carillon.queue (tenant_id, name, paused_at) values (${acme.id}, 'paused', now())`.execute(
      db,
    );
    for (const tenant of [limited, suspended]) await addRuns(db, tenant, 1, { slot: acme.slot });
    await addRuns(db, acme, 1, { queue: 'paused' });
    await addRuns(db, acme, 1, { concurrencyKey: 'k' });
    const [id] = await addRuns(db, acme, 1);
    const looked = await look();
    expect(looked?.found).toHaveLength(5);
    expect(looked?.found).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ tenantId: limited.id, tenant: { maxConcurrent: 1 } }),
        expect.objectContaining({ tenantId: suspended.id, paused: true }),
        expect.objectContaining({ lane: 'paused/noop', paused: true }),
        expect.objectContaining({ lane: 'default/noop/k', paused: false }),
      ]),
    );
    expect(idsOf(looked)).toEqual([id]);
    for (const change of [
      sql`limits = '{"maxConcurrent": 3}'`,
      sql`limits = '{}', locks = '[]'`,
      sql`locks = null, paused_at = now()`,
    ]) {
      await sql`update carillon.job_type set ${change} where name = 'noop'`.execute(db);
      expect(idsOf(await look())).toEqual([]);
    }
  });

  it('takes no more of a lane, of a slot, and of all than it is asked for, and none that is excluded or not due', async () => {
    const ids = await addRuns(db, acme, 5);
    await addRuns(db, acme, 2, { queue: 'other' });
    await addRuns(db, acme, 1, { queue: 'third', runAt: new Date(Date.now() + 60_000) });
    expect(idsOf(await look({ runsOfLane: 2 }))).toHaveLength(4);
    expect((await look({ lanesFound: 1 }))?.found).toHaveLength(1);
    expect((await look({ lanesClaimed: 1 }))?.claimed).toHaveLength(1);
    expect(await look({ excluded: ids })).toMatchObject({
      claimed: [{ count: 0, last: null }, { count: 2 }, { count: 0 }],
    });
  });

  it('leaves late runs of due times to the transaction that decides about them', async () => {
    const [id] = await addRuns(db, acme, 2, { runAt: new Date(Date.now() - 11_000) });
    expect(idsOf(await look())).toHaveLength(2);
    await sql`update carillon.run set schedule_id = ${randomUUID()}, due_at = run_at where id = ${id}`.execute(
      db,
    );
    expect(await look()).toMatchObject({ found: [{ lane: 'default/noop' }], claimed: [], runs: [] });
    expect(idsOf(await look({ lateMs: 12_000 }))).toHaveLength(2);
  });

  it('finds nothing in a slot of another owner or epoch, and a dead replica is told', async () => {
    await addRuns(db, acme, 1);
    const { slot } = acme;
    const epoch = member.ownership.serving.get(slot) ?? -1;
    expect(await look({ slots: [{ slot, epoch: epoch + 1 }] })).toMatchObject({ found: [], runs: [] });
    await sql`update carillon.slot_owner set target = 1 where slot = ${slot}`.execute(db);
    expect(await look()).toMatchObject({ found: [], runs: [] });
    await sql`update carillon.replica set state = 'dead'`.execute(db);
    expect(await look()).toBeNull();
  });

  it('is refused in a transaction that does not see what is committed meanwhile', async () => {
    await expect(
      inSnapshot(db, (tx) => lookAndClaim(tx, member.self(), { ...REQUEST, slots: [] })),
    ).rejects.toThrow('expected a transaction that is read committed, got repeatable read');
  });
});
