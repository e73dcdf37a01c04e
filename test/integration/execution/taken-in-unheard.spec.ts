// What does a run cost that its owner takes in, and what becomes of one whose answer is lost?
import { sql } from 'kysely';
import { beforeEach, describe, expect, it } from 'vitest';
import { markDead } from '#cluster/membership/replica.repository.js';
import { inTransaction } from '#database/connection.js';
import { takeIn } from '#execution/taking-in/take-in.repository.js';
import { asId, type RunId } from '#kernel/ids.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { rowsRead } from '../../support/rows-read.js';
import { history } from '../../support/run-rows.js';
import { acmesJob, requestOf } from '../../support/taking-in.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startLoneMember, startMember, type TestMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

let member: TestMember;
let owner: Awaited<ReturnType<typeof startOwner>>;
let seen: string[];

async function own(): Promise<void> {
  owner = await startOwner(member, {
    handlers: { noop: (_job: unknown, { runId }: { runId: string }) => void seen.push(runId) },
  });
  await owner.claimAll();
}

beforeEach(async () => {
  seen = [];
  await addTenant(db, 'acme');
  member = await startLoneMember(database.url);
  await own();
});

it('a run is taken in at the same cost, however many of its tenant wait in other lanes', async () => {
  const { tenant } = await acmesJob(db);
  const request = await requestOf(db, owner.claim.door);
  await addRuns(db, tenant, 50, { queue: 'aside' });
  const read = await inTransaction(member.self().db, (tx) =>
    rowsRead(tx, '^run$', async () => {
      const taken = [...(await takeIn(tx, member.self(), request)).values()];
      expect(taken).toMatchObject([{ isClaimed: true }]);
    }),
  );
  expect(read).toBeLessThan(5);
});

describe('a run whose answer was lost', () => {
  async function takeUnheard(): Promise<RunId> {
    const taken = await takeIn(db, member.self(), await requestOf(db, owner.claim.door));
    expect([...taken.values()]).toMatchObject([{ isClaimed: true }]);
    return [...taken.keys()][0] ?? asId.run('none');
  }

  it('is taken by the next claim and runs once', async () => {
    const id = await takeUnheard();
    await owner.claimAll();
    await owner.finish();
    expect(seen).toEqual([id]);
    expect(await history(db)).toMatchObject([{ id, attempt: 1, outcome: 'succeeded' }]);
  });

  it('is put back when its replica dies, and runs once more elsewhere', async () => {
    const leader = member;
    const successor = owner;
    member = await startMember(database.url, { roles: ['worker'] });
    const moveTo = ({ self, ownership }: TestMember) =>
      sql`update carillon.slot_owner set owner = ${self().replica}, epoch = epoch + 1`
        .execute(db)
        .then(() => ownership.runOnce());
    await moveTo(member);
    await own();
    const id = await takeUnheard();
    await markDead(db, { replica: member.self().replica, term: leader.leader().term, reason: 'crashed' });
    await moveTo(leader);
    await successor.claimAll();
    expect(successor.held.size).toBe(0);
    await successor.revocation.runOnce();
    await until('it is free again', async () => {
      await successor.claimAll();
      return successor.held.size === 1;
    });
    await successor.finish();
    expect(seen).toEqual([id]);
    expect(await history(db)).toMatchObject([{ id, attempt: 2, outcome: 'succeeded' }]);
  });
});
