// Does a run become what its handler says, and what a request asks for after it is over?
import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CancelRun, ClaimLost, RetryAt, snooze } from '#client/jobs/outcomes.js';
import type { JobHandlerFunction } from '#client/jobs/job-definition.js';
import { AttemptStopped } from '#execution/runs/attempt-stopped.js';
import { CompleteInTx } from '#execution/settling/complete-in-tx.js';
import { RETRIABLE, retryEnded } from '#execution/run-actions/retry-ended.js';
import { addRuns } from '../../support/rows.js';
import { count, history } from '../../support/run-rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner, type OwnerOptions } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

afterEach(() => vi.restoreAllMocks());

const { db, member, tenant } = useLoneMember();

/** Plays a run of this handler until the test's own end is reached. */
async function play(handle: JobHandlerFunction<unknown>, options: OwnerOptions = {}) {
  const owner = await startOwner(member, { ...options, handlers: { played: handle } });
  const [id] = await addRuns(db, tenant, 1, { jobType: 'played' });
  const pass = async (): Promise<void> => {
    await owner.claimAll();
    await owner.finish();
  };
  return { owner, id, pass };
}

const waiting = async () =>
  db.selectFrom('run').select(['attempt', 'failures', 'past_attempts', 'run_at']).executeTakeFirstOrThrow();

describe('a handler', () => {
  it('can snooze again and again, and uses up no attempt; the newest 100 are remembered', async () => {
    let calls = 0;
    const { pass } = await play(() => ((calls += 1) <= 4 ? snooze(0) : 'awake'), {
      retry: { maxAttempts: 1 },
    });
    // As if it had snoozed 99 times before.
    await sql`
      update carillon.run
         set attempt = 100,
             past_attempts = (select jsonb_agg(jsonb_build_object('attempt', n, 'outcome', 'snoozed'))
                                from generate_series(1, 99) as n)`.execute(db);
    await until('it is awake', async () => {
      await pass();
      return (await count(db, 'run_history')) > 0;
    });
    const [run] = await history(db);
    expect(run).toMatchObject({ outcome: 'succeeded', attempt: 104, output: 'awake' });
    expect(run?.pastAttempts).toHaveLength(100);
    expect(run?.pastAttempts?.[0]).toMatchObject({ attempt: 4, outcome: 'snoozed' });
    expect(run?.pastAttempts?.at(-1)).toMatchObject({ attempt: 103, outcome: 'snoozed' });
  });

  it('can say when it wants to be tried again, which counts as a failure', async () => {
    const at = new Date(Date.now() + 7_200_000);
    const { pass } = await play(() => Promise.reject(new RetryAt(at, 'not before two hours')));
    await pass();
    const run = await waiting();
    expect(run).toMatchObject({ attempt: 2, failures: 1 });
    expect(Math.abs(run.run_at.getTime() - at.getTime())).toBeLessThan(60_000);
    expect(run.past_attempts).toMatchObject([
      {
        attempt: 1,
        outcome: 'failed',
        replica: member.self().replica,
        startedAt: expect.any(String) as unknown,
        finishedAt: expect.any(String) as unknown,
        error: { name: 'RetryAt', message: 'not before two hours' },
      },
    ]);
  });

  it('can cancel its run', async () => {
    const { pass } = await play(() => Promise.reject(new CancelRun('the order was withdrawn')));
    await pass();
    expect(await history(db)).toMatchObject([
      { outcome: 'cancelled', attempt: 1, error: { message: 'the order was withdrawn' } },
    ]);
  });

  it('that a shutdown stops goes on elsewhere with the next attempt, and nothing is held against it', async () => {
    const { owner } = await play(
      (_job, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    );
    await owner.claimAll();
    await owner.start.runOnce();
    await until('it runs', () => owner.running.unnoted(0).length > 0);
    owner.running.stopAll(new AttemptStopped('shutdown', 'this replica is shutting down'));
    await until('it has ended', () => owner.held.running === 0);
    await owner.settleLoop.runOnce();
    expect(await waiting()).toMatchObject({
      attempt: 2,
      failures: 0,
      past_attempts: [{ attempt: 1, outcome: 'lost', error: { message: 'this replica is shutting down' } }],
    });
  });

  it('that times out is shown so', async () => {
    const { pass } = await play(() => new Promise(() => undefined), { timeoutMs: 20, graceMs: 20 });
    await pass();
    expect((await waiting()).past_attempts).toMatchObject([{ attempt: 1, outcome: 'timed-out' }]);
  });
});

describe('completing a run in a transaction', () => {
  interface Mine {
    mine: { run: string };
  }
  const write = (runId: string) => async (trx: Transaction<Mine>) => {
    await trx.insertInto('mine').values({ run: runId }).execute();
    return { written: true };
  };
  const written = async (): Promise<number> => {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from public.mine`.execute(db);
    return rows[0]?.n ?? -1;
  };
  beforeEach(async () => {
    await sql`create table public.mine (run uuid not null)`.execute(db);
  });

  it('commits both, once', async () => {
    const { pass, id } = await play((_job, { completeInTx, runId }) => completeInTx(write(runId)));
    await pass();
    expect(await history(db)).toMatchObject([{ id, outcome: 'succeeded', output: { written: true } }]);
    expect([await written(), await count(db, 'claim'), await count(db, 'run')]).toEqual([1, 0, 0]);
  });

  it('brings the last that the attempt said of itself into the history', async () => {
    const { pass, id } = await play((_job, { completeInTx, progress, heartbeat, runId }) => {
      progress(0.9, 'nearly');
      heartbeat({ page: 3 });
      return completeInTx(write(runId));
    });
    await pass();
    const rows = await db.selectFrom('run_history').select(['id', 'progress']).execute();
    expect(rows).toMatchObject([{ id, progress: { fraction: 0.9, message: 'nearly' } }]);
  });

  it('undoes what was written when the handler throws in it, and tries again', async () => {
    const { pass } = await play((_job, { completeInTx, runId, attempt }) =>
      completeInTx(async (trx) => {
        const output = await write(runId)(trx);
        if (attempt === 1) throw new Error('half way');
        return output;
      }),
    );
    await pass();
    expect([await written(), await count(db, 'run')]).toEqual([0, 1]);
    await pass();
    expect([await written(), await history(db)]).toMatchObject([1, [{ outcome: 'succeeded', attempt: 2 }]]);
  });

  it('keeps I2: once the claim is lost it throws, and nothing of it is written', async () => {
    let thrown: unknown;
    const { pass } = await play(async (_job, { completeInTx, runId }) => {
      try {
        return await completeInTx(async (trx) => {
          const output = await write(runId)(trx);
          await sql`delete from carillon.claim`.execute(db);
          return output;
        });
      } catch (error) {
        thrown = error;
        throw error;
      }
    });
    await pass();
    expect(thrown).toBeInstanceOf(ClaimLost);
    expect([await written(), await count(db, 'run'), await count(db, 'run_history')]).toEqual([0, 1, 0]);
    expect(await waiting()).toMatchObject({ attempt: 1 });
  });

  it('keeps I4: a replica that was declared dead commits nothing', async () => {
    const { pass } = await play((_job, { completeInTx, runId }) =>
      completeInTx(async (trx) => {
        const output = await write(runId)(trx);
        await sql`update carillon.replica set state = 'dead'`.execute(db);
        return output;
      }),
    );
    await pass().catch(() => undefined);
    expect([await written(), await count(db, 'run')]).toEqual([0, 1]);
  });

  it('does not commit for an attempt that was stopped meanwhile', async () => {
    const { pass } = await play(
      (_job, { completeInTx, runId, signal }) =>
        completeInTx(async (trx) => {
          const output = await write(runId)(trx);
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          return output;
        }),
      { timeoutMs: 50, graceMs: 2_000 },
    );
    await pass();
    expect(await written()).toBe(0);
    expect((await waiting()).past_attempts).toMatchObject([{ outcome: 'timed-out' }]);
  });

  it('is recorded once when nobody heard whether it was committed', async () => {
    // oxlint-disable-next-line typescript/unbound-method -- called on its own object below
    const { complete } = CompleteInTx.prototype;
    vi.spyOn(CompleteInTx.prototype, 'complete').mockImplementationOnce(async function (
      this: CompleteInTx,
      ...request
    ) {
      await Reflect.apply(complete, this, request);
      throw new Error('Connection terminated unexpectedly'); // it was committed, but the answer got lost
    });
    const { owner, pass } = await play((_job, { completeInTx, runId }) => completeInTx(write(runId)));
    const lost: unknown[] = [];
    owner.settleLoop.claimLost.subscribe((id) => lost.push(id));
    await pass();
    expect([await written(), await history(db)]).toMatchObject([1, [{ outcome: 'succeeded', attempt: 1 }]]);
    expect([await count(db, 'run'), await count(db, 'claim'), lost.length]).toEqual([0, 0, 1]);
  });
});

describe('trying again what is over', () => {
  const retry = async (ids: Awaited<ReturnType<typeof addRuns>>) =>
    (await retryEnded(db, { tenantId: tenant.id, ids, outcomes: RETRIABLE })).retried;

  it('brings it back with its attempts, the next number, and a fresh budget', async () => {
    let isBroken = true;
    const { owner, id, pass } = await play(
      () => {
        if (isBroken) throw new Error('no luck');
        return 'luck';
      },
      { retry: { maxAttempts: 2 } },
    );
    await pass();
    await pass();
    expect(await history(db)).toMatchObject([{ outcome: 'dead-lettered', attempt: 2 }]);
    const ids = (await history(db)).map((run) => run.id) as Awaited<ReturnType<typeof addRuns>>;
    expect(await retry(ids)).toEqual([id]);
    expect(await retry(ids)).toEqual([]);
    expect(await waiting()).toMatchObject({ attempt: 3, failures: 0 });
    await pass();
    isBroken = false;
    await pass();
    const [run] = await history(db);
    expect(run).toMatchObject({ outcome: 'succeeded', attempt: 4, output: 'luck' });
    expect(run?.pastAttempts?.map(({ attempt, outcome }) => `${attempt} ${outcome}`)).toEqual([
      '1 failed',
      '2 failed',
      '3 failed',
    ]);
    expect(owner.held.size).toBe(0);
  });

  it('keeps I2: an old claim that still names the run can not lose it once more', async () => {
    const { pass } = await play(() => Promise.reject(new CancelRun('no')));
    await pass();
    const ids = (await history(db)).map((run) => run.id) as Awaited<ReturnType<typeof addRuns>>;
    const other = randomUUID();
    await sql`insert into carillon.claim (id, replica, run_ids) values (gen_random_uuid(), 4711, array[${ids[0]}, ${other}]::uuid[])`.execute(
      db,
    );
    await retry(ids);
    const owner = await startOwner(member);
    await owner.revocation.runOnce();
    expect(await waiting()).toMatchObject({ attempt: 2, past_attempts: [{ outcome: 'cancelled' }] });
  });

  it('leaves what succeeded alone', async () => {
    const { pass } = await play(() => 'fine');
    await pass();
    const ids = (await history(db)).map((run) => run.id) as Awaited<ReturnType<typeof addRuns>>;
    expect(await retry(ids)).toEqual([]);
    expect(await count(db, 'run_history')).toBe(1);
  });
});
