// Is what an attempt says of itself kept: while it runs, at its end, for its next attempt, and only by itself?
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import type { JobContext } from '#client/jobs/job-definition.js';
import { useTestDatabase } from '../../support/test-database.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { startLoneMember } from '../../support/test-member.js';
import { startOwner, type OwnerOptions } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

interface Said {
  progress: { fraction: number; message: string | null; attempt: number } | null;
  details: unknown;
}

async function saidIn(table: 'run' | 'run_history'): Promise<Said[]> {
  const columns = table === 'run' ? sql`progress, details` : sql`progress, null::jsonb as details`;
  const { rows } =
    await sql<Said>`select ${columns} from ${sql.table(`carillon.${table}`)} order by id`.execute(db);
  return rows;
}

/** An owner with one run of a handler that the test plays: it gets the context, and ends when it is told. */
async function startPlayed(options: OwnerOptions = {}) {
  const begun: JobContext[] = [];
  const ends: PromiseWithResolvers<unknown>[] = [];
  const owner = await startOwner(await startLoneMember(database.url), {
    handlers: {
      played: (_job, context) => {
        const end = Promise.withResolvers<unknown>();
        begun.push(context);
        ends.push(end);
        return end.promise;
      },
    },
    ...options,
  });
  await addRuns(db, await addTenant(db), 1, { jobType: 'played' });
  const begin = (count: number): Promise<JobContext> =>
    until('the attempt has begun', async () => {
      await owner.settleLoop.runOnce();
      await owner.claimAll();
      await owner.start.runOnce();
      return begun.length === count && begun.at(-1);
    });
  return { owner, begin, end: (index: number) => ends[index] as PromiseWithResolvers<unknown> };
}

describe('progress', () => {
  it('is written while the attempt runs, at most once a second, and the last word is in the history', async () => {
    const { owner, begin, end } = await startPlayed();
    const context = await begin(1);
    context.progress(0.25, 'first');
    expect(await owner.progress.runOnce()).toBeGreaterThan(1_000);
    expect(await saidIn('run')).toMatchObject([
      { progress: { fraction: 0.25, message: 'first', attempt: 1 } },
    ]);
    context.progress(0.5);
    context.progress(0.75, 'second');
    const restMs = await owner.progress.runOnce();
    expect(restMs).toBeGreaterThan(0);
    expect(restMs).toBeLessThanOrEqual(1_000);
    expect(await saidIn('run')).toMatchObject([{ progress: { fraction: 0.25 } }]);
    context.progress(1, 'done');
    end(0).resolve(null);
    await owner.finish();
    expect(await saidIn('run_history')).toMatchObject([{ progress: { fraction: 1, message: 'done' } }]);
  });

  it.each([
    [7, 1],
    [-1, 0],
    [Number.NaN, 0],
    [Number.POSITIVE_INFINITY, 1],
    ['much' as unknown as number, 0],
  ])('of %s is %s', async (given, shown) => {
    const { owner, begin, end } = await startPlayed();
    (await begin(1)).progress(given, 'a\0\ud800');
    end(0).resolve(null);
    await owner.finish();
    expect(await saidIn('run_history')).toMatchObject([
      { progress: { fraction: shown, message: 'a\ufffd\ufffd' } },
    ]);
  });

  it('that comes after the end of the attempt is not heard', async () => {
    const { owner, begin, end } = await startPlayed();
    const context = await begin(1);
    context.progress(0.5);
    end(0).reject(new Error('once more'));
    await owner.finish();
    context.progress(0.9);
    context.heartbeat({ late: true });
    await begin(2);
    await owner.progress.runOnce();
    expect(await saidIn('run')).toMatchObject([{ progress: { fraction: 0.5 }, details: null }]);
  });

  it('of an attempt that has been lost changes nothing', async () => {
    const { owner, begin } = await startPlayed();
    const context = await begin(1);
    await sql`update carillon.run set attempt = 2`.execute(db);
    context.progress(0.5);
    context.heartbeat({ page: 1 });
    await owner.progress.runOnce();
    expect(await saidIn('run')).toMatchObject([{ progress: null, details: null }]);
  });

  it('waits for nobody who has the run locked, and is written when he has let go', async () => {
    const { owner, begin, end } = await startPlayed();
    const context = await begin(1);
    context.progress(0.5);
    await db.transaction().execute(async (tx) => {
      await sql`select 1 from carillon.run for update`.execute(tx);
      await owner.progress.runOnce();
    });
    expect(await saidIn('run')).toMatchObject([{ progress: null }]);
    end(0).resolve(null);
    await owner.finish();
    expect(await saidIn('run_history')).toMatchObject([{ progress: { fraction: 0.5 } }]);
  });
});

describe('details', () => {
  it('reach the next attempt after a failure', async () => {
    const { owner, begin, end } = await startPlayed();
    const first = await begin(1);
    expect(first.lastDetails).toBeNull();
    first.heartbeat({ page: 3 });
    first.heartbeat();
    end(0).reject(new Error('once more'));
    await owner.finish();
    const second = await begin(2);
    expect(second).toMatchObject({ attempt: 2, lastDetails: { page: 3 } });
    end(1).reject(new Error('and again'));
    await owner.finish();
    expect((await begin(3)).lastDetails).toEqual({ page: 3 });
  });

  it('are in the database while the attempt goes on, so that a crash takes nothing along', async () => {
    const { owner, begin } = await startPlayed();
    (await begin(1)).heartbeat({ page: 3 });
    await owner.progress.runOnce();
    expect(await saidIn('run')).toMatchObject([{ details: { page: 3 } }]);
  });

  it('reach the next attempt after a shutdown, even if they were said while stopping', async () => {
    const { owner, begin } = await startPlayed();
    const context = await begin(1);
    context.signal.addEventListener('abort', () => context.heartbeat({ page: 9 }));
    const { AttemptStopped } = await import('#execution/runs/attempt-stopped.js');
    owner.running.stopAll(new AttemptStopped('shutdown', 'this replica is shutting down'));
    await owner.finish();
    expect(await begin(2)).toMatchObject({ lastDetails: { page: 9 } });
  });

  it('that can not be kept are refused at once, and the handler may go on', async () => {
    const { begin } = await startPlayed();
    const context = await begin(1);
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    expect(() => context.heartbeat(cycle)).toThrow(/circular/);
    expect(() => context.heartbeat('x'.repeat(65_536))).toThrow(
      'expected at most 65536 bytes of JSON, got 65538',
    );
    context.heartbeat('x'.repeat(65_534));
  });
});

describe('a missed heartbeat', () => {
  it('stops the attempt, which has failed; a sign of life in time keeps it going', async () => {
    const { owner, begin } = await startPlayed({ heartbeatMs: 1_000, retry: { maxAttempts: 1 } });
    const context = await begin(1);
    const startedAt = performance.now();
    while (performance.now() - startedAt < 2_000) {
      context.heartbeat();
      await owner.start.runOnce();
      expect(context.signal.aborted).toBe(false);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await owner.finish();
    expect(context.signal.reason).toMatchObject({ name: 'AttemptStopped', why: 'heartbeat-missed' });
    const { rows } =
      await sql`select outcome, error ->> 'message' as message from carillon.run_history`.execute(db);
    expect(rows).toEqual([
      { outcome: 'dead-lettered', message: 'expected a heartbeat at least every 1000 ms, got none' },
    ]);
  });
});
