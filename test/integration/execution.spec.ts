// What happens to runs between claim and history, and when their owner is not what it was?
import { beforeEach, describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import { markDead } from '#cluster/replica.repository.js';
import { FatalError } from '#execution/attempt.js';
import { asId } from '#kernel/ids.js';
import { createTestDatabase } from '../support/test-database.js';
import { addRuns, addTenant, openDatabase } from '../support/rows.js';
import { startLoneMember, startMember } from '../support/test-member.js';
import { startWorker } from '../support/test-worker.js';
import { until } from '../support/until.js';

let url: string;
let db: Database;
beforeEach(async () => {
  const database = await createTestDatabase();
  url = database.url;
  return () => database.drop();
});
beforeEach(() => {
  db = openDatabase(url);
});

interface HistoryRow {
  id: string;
  outcome: string;
  attempt: number;
  payload: { which: string };
  output: unknown;
  error: { name: string; message: string } | null;
  pastAttempts: { attempt: number; outcome: string }[] | null;
}

async function history(): Promise<HistoryRow[]> {
  const { rows } = await sql<HistoryRow>`
    select id, outcome, attempt, payload, output, error, past_attempts as "pastAttempts" from carillon.run_history order by id`.execute(db);
  return rows;
}

async function count(table: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from ${sql.table(`carillon.${table}`)}`.execute(db);
  return rows[0]?.count ?? -1;
}

describe('claiming', () => {
  it('takes runs of many tenants in turn, so that one with a thousand does not starve one with one', async () => {
    const worker = await startWorker(await startLoneMember(url), { limits: { held: 20, running: 5 } });
    const [big, small] = [await addTenant(db), await addTenant(db)];
    await addRuns(db, big, 60);
    const [lonely] = await addRuns(db, small, 1);
    await worker.claim.runOnce();
    expect(worker.held.idsOf([small.id])).toEqual([lonely]);
    expect(worker.held.size).toBeLessThanOrEqual(20);
  });

  it('never takes a run twice, and leaves no claim when all is done', async () => {
    const seen: string[] = [];
    const worker = await startWorker(await startLoneMember(url), {
      handlers: { noop: (_job, { runId }) => void seen.push(runId) },
      claim: { runsPerClaim: 7 },
    });
    const ids = [...(await addRuns(db, await addTenant(db), 40)), ...(await addRuns(db, await addTenant(db), 40))];
    await worker.claimAll();
    await worker.claimAll();
    await worker.finish();
    expect(seen.toSorted()).toEqual(ids.toSorted());
    expect((await history()).map((row) => row.id)).toEqual(ids.toSorted());
    expect([await count('run'), await count('claim')]).toEqual([0, 0]);
  });

  it('I6: holds a run that is due soon and starts it no earlier, and leaves a later one alone', async () => {
    const starts: number[] = [];
    const worker = await startWorker(await startLoneMember(url), { handlers: { noop: () => void starts.push(Date.now()) } });
    const tenant = await addTenant(db);
    const soon = new Date(Date.now() + 300);
    await addRuns(db, tenant, 1, { runAt: soon });
    await addRuns(db, tenant, 1, { runAt: new Date(Date.now() + 60_000) });
    await worker.claimAll();
    expect(worker.held.size).toBe(1);
    await worker.finish();
    expect(starts[0]).toBeGreaterThanOrEqual(soon.getTime());
    expect(await count('run')).toBe(1);
  });

  it('takes higher priorities first', async () => {
    const seen: number[] = [];
    const worker = await startWorker(await startLoneMember(url), {
      handlers: { noop: (job) => void seen.push((job.payload as { priority: number }).priority) },
      limits: { held: 1, running: 1 },
    });
    const tenant = await addTenant(db);
    for (const priority of [0, 5, -5]) await addRuns(db, tenant, 1, { priority, payload: { priority } });
    for (let turn = 0; turn < 3; turn += 1) {
      await worker.claimAll();
      await worker.finish();
    }
    expect(seen).toEqual([5, 0, -5]);
  });

  it('takes nothing from a slot that was handed over, even if it does not know yet', async () => {
    const old = await startLoneMember(url);
    const worker = await startWorker(old);
    const tenant = await addTenant(db);
    await addRuns(db, tenant, 3);
    await sql`update carillon.slot_owner set owner = ${old.self().replica} + 1000`.execute(db);
    await worker.claimAll();
    expect(worker.held.size).toBe(0);
  });

  it("leaves a former owner's claimed runs to it, and takes those that it gives back", async () => {
    const old = await startLoneMember(url);
    const oldWorker = await startWorker(old, { limits: { held: 2, running: 2 } });
    const tenant = await addTenant(db);
    const ids = await addRuns(db, tenant, 4);
    await oldWorker.claimAll();
    const next = await startMember(url);
    const nextWorker = await startWorker(next);
    await sql`update carillon.slot_owner set owner = ${next.self().replica}, epoch = epoch + 1`.execute(db);
    await next.ownership.runOnce();
    await nextWorker.claimAll();
    const taken = [...oldWorker.held.idsOf([tenant.id]), ...nextWorker.held.idsOf([tenant.id])];
    expect([oldWorker.held.size, nextWorker.held.size]).toEqual([2, 2]);
    expect(taken.toSorted()).toEqual(ids);
    oldWorker.start.releaseWaiting();
    await oldWorker.settleLoop.runOnce();
    await until('the runs that were given back are claimed', async () => {
      await nextWorker.claimAll();
      return nextWorker.held.size === 4;
    });
  });

  it('drops a claim whose answer never arrived', async () => {
    const member = await startLoneMember(url);
    const worker = await startWorker(member);
    await sql`insert into carillon.claim (id, replica, run_ids, claimed_at)
              values (gen_random_uuid(), ${member.self().replica}, '{}', now() - interval '1 minute')`.execute(db);
    await worker.reconcile.runOnce();
    expect(await count('claim')).toBe(0);
  });
});

describe('settling', () => {
  it('tries a failed run again until its attempts are used up, and keeps every attempt', async () => {
    const worker = await startWorker(await startLoneMember(url), {
      handlers: { broken: () => Promise.reject(new Error('no luck')) },
      retry: { maxAttempts: 3 },
    });
    await addRuns(db, await addTenant(db), 1, { jobType: 'broken' });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await until('the next attempt is due', async () => {
        await worker.claimAll();
        return worker.held.size === 1;
      });
      await worker.finish();
    }
    const [run] = await history();
    expect(run).toMatchObject({ outcome: 'failed', attempt: 3, error: { name: 'Error', message: 'no luck' } });
    expect(run?.pastAttempts?.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'failed'],
      [2, 'failed'],
    ]);
  });

  it('does not try again what a handler calls fatal', async () => {
    const worker = await startWorker(await startLoneMember(url), { handlers: { broken: () => Promise.reject(new FatalError('never')) } });
    await addRuns(db, await addTenant(db), 1, { jobType: 'broken' });
    await worker.claimAll();
    await worker.finish();
    expect(await history()).toMatchObject([{ outcome: 'failed', attempt: 1 }]);
  });

  it('fails an attempt at its timeout although the handler does not listen', async () => {
    const worker = await startWorker(await startLoneMember(url), {
      handlers: { deaf: () => new Promise(() => undefined) },
      retry: { maxAttempts: 1 },
      timeoutMs: 50,
    });
    await addRuns(db, await addTenant(db), 1, { jobType: 'deaf' });
    await worker.claimAll();
    await worker.finish();
    expect(await history()).toMatchObject([{ outcome: 'failed', error: { name: 'AttemptStopped' } }]);
  });

  it('stores outputs that JSON or jsonb can not hold as well as it can, each without harm to the others', async () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const outputs: Record<string, unknown> = { nul: 'a\0b', half: '\ud800', cycle, big: 'x'.repeat(300_000), fine: { n: 1 } };
    const worker = await startWorker(await startLoneMember(url), {
      handlers: { noop: (job) => outputs[(job.payload as { which: string }).which] },
    });
    const tenant = await addTenant(db);
    for (const which of Object.keys(outputs)) await addRuns(db, tenant, 1, { payload: { which } });
    await worker.claimAll();
    await worker.finish();
    const ends = new Map((await history()).map(({ payload, outcome, output }) => [payload.which, { outcome, output }]));
    expect(Object.fromEntries(ends)).toEqual({
      nul: { outcome: 'succeeded', output: 'a\uFFFDb' },
      half: { outcome: 'succeeded', output: '\uFFFD' },
      cycle: { outcome: 'failed', output: null },
      big: { outcome: 'failed', output: null },
      fine: { outcome: 'succeeded', output: { n: 1 } },
    });
  });

  it('fails only the run whose result the database refuses', async () => {
    const worker = await startWorker(await startLoneMember(url));
    const ids = await addRuns(db, await addTenant(db), 9);
    await sql`alter table carillon.run_history_default add check (id <> ${sql.lit(ids[4])} or outcome = 'failed')`.execute(db);
    await worker.claimAll();
    await worker.finish();
    const rows = await history();
    expect(rows.filter((row) => row.outcome === 'succeeded')).toHaveLength(8);
    expect(rows.find((row) => row.id === ids[4])).toMatchObject({ outcome: 'failed', error: { message: expect.stringContaining('refused') as string } });
  });

  it('keeps ends that could not be written, and writes them once the database answers again', async () => {
    const member = await startLoneMember(url);
    const worker = await startWorker(member);
    await addRuns(db, await addTenant(db), 3);
    await worker.claimAll();
    await worker.start.runOnce();
    await until('all have ended', () => worker.held.running === 0);
    await sql`alter table carillon.claim rename to claim_away`.execute(db);
    await expect(worker.settleLoop.runOnce()).rejects.toThrow();
    await sql`alter table carillon.claim_away rename to claim`.execute(db);
    await worker.finish();
    expect(await history()).toHaveLength(3);
  });
});

describe('taking over', () => {
  it('I2, I4: runs of the dead are done again with a lost attempt, and its late results change nothing', async () => {
    const leader = await startLoneMember(url);
    const successor = await startWorker(leader);
    const victim = await startMember(url, { roles: ['worker'] });
    const victimWorker = await startWorker(victim);
    await sql`update carillon.slot_owner set owner = ${victim.self().replica}`.execute(db);
    await victim.ownership.runOnce();
    const ids = await addRuns(db, await addTenant(db), 5);
    await victimWorker.claimAll();
    await victimWorker.start.runOnce();
    await until('the victim has ended its attempts', () => victimWorker.held.running === 0);

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
    await victimWorker.settleLoop.runOnce();
    expect(await count('run_history')).toBe(0);
    await successor.finish();
    const rows = await history();
    expect(rows.map((row) => row.id)).toEqual(ids);
    expect(rows.every((row) => row.attempt === 2 && row.pastAttempts?.[0]?.outcome === 'lost')).toBe(true);
  });

  it('I2: a result whose claim was revoked is discarded and reported', async () => {
    const member = await startLoneMember(url);
    const worker = await startWorker(member);
    const lost: string[] = [];
    worker.settleLoop.claimLost.subscribe((id) => lost.push(id));
    const [id] = await addRuns(db, await addTenant(db), 1);
    await worker.claimAll();
    await sql`delete from carillon.claim`.execute(db);
    await worker.finish();
    expect(lost).toEqual([id]);
    expect(await count('run')).toBe(1);
  });

  it('revokes a large death in bounded steps', async () => {
    const leader = await startLoneMember(url);
    const worker = await startWorker(leader);
    await addRuns(db, await addTenant(db), 1);
    const dead = asId.replica(leader.self().replica + 1_000);
    await sql`insert into carillon.claim (id, replica, run_ids) select gen_random_uuid(), ${dead}, '{}' from generate_series(1, 45)`.execute(db);
    await worker.revocation.runOnce();
    expect(await count('claim')).toBe(25);
    while ((await worker.revocation.runOnce()) < 1_000);
    expect(await count('claim')).toBe(0);
  });

  it('gives waiting runs back with no attempt used when it drains', async () => {
    const member = await startLoneMember(url);
    const worker = await startWorker(member, { limits: { held: 10, running: 1 } });
    await addRuns(db, await addTenant(db), 3);
    await worker.claimAll();
    worker.start.releaseWaiting();
    await worker.settleLoop.runOnce();
    const { rows } = await sql`select attempt, failures, losses, past_attempts from carillon.run`.execute(db);
    expect(rows).toEqual(Array.from({ length: 3 }, () => ({ attempt: 1, failures: 0, losses: 0, past_attempts: null })));
    expect(await count('claim')).toBe(0);
  });

  it('stops handlers and abandons their runs when the replica is expelled', async () => {
    const member = await startLoneMember(url);
    const reasons: unknown[] = [];
    const worker = await startWorker(member, {
      handlers: {
        patient: (_job, { signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              reasons.push(signal.reason);
              reject(new Error('stopped'));
            });
          }),
      },
    });
    await addRuns(db, await addTenant(db), 1, { jobType: 'patient' });
    await worker.claimAll();
    await worker.start.runOnce();
    await markDead(db, { replica: member.self().replica, term: asId.term(1), reason: 'hung' });
    await member.membership.beat();
    expect(reasons).toMatchObject([{ name: 'AttemptStopped', why: 'replica-fenced' }]);
    expect([worker.held.size, worker.settleLoop.isEmpty]).toEqual([0, true]);
  });
});
