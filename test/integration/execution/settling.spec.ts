// Is the end of each attempt recorded once, and does one bad result harm no other?
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { FatalError } from '#client/jobs/outcomes.js';
import { useTestDatabase } from '../../support/test-database.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { history } from '../../support/run-rows.js';
import { startLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

describe('settling', () => {
  it('tries a failed run again until its attempts are used up, and keeps every attempt', async () => {
    const owner = await startOwner(await startLoneMember(database.url), {
      handlers: { broken: () => Promise.reject(new Error('no luck')) },
      retry: { maxAttempts: 3 },
    });
    await addRuns(db, await addTenant(db), 1, { jobType: 'broken' });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await until('the next attempt is due', async () => {
        await owner.claimAll();
        return owner.held.size === 1;
      });
      await owner.finish();
    }
    const [run] = await history(db);
    expect(run).toMatchObject({
      outcome: 'dead-lettered',
      attempt: 3,
      error: { name: 'Error', message: 'no luck' },
    });
    expect(run?.pastAttempts?.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'failed'],
      [2, 'failed'],
    ]);
  });

  it('does not try again what a handler calls fatal', async () => {
    const owner = await startOwner(await startLoneMember(database.url), {
      handlers: { broken: () => Promise.reject(new FatalError('never')) },
    });
    await addRuns(db, await addTenant(db), 1, { jobType: 'broken' });
    await owner.claimAll();
    await owner.finish();
    expect(await history(db)).toMatchObject([{ outcome: 'failed', attempt: 1 }]);
  });

  it('fails an attempt at its timeout although the handler does not listen', async () => {
    const owner = await startOwner(await startLoneMember(database.url), {
      handlers: { deaf: () => new Promise(() => undefined) },
      retry: { maxAttempts: 1 },
      timeoutMs: 50,
    });
    await addRuns(db, await addTenant(db), 1, { jobType: 'deaf' });
    await owner.claimAll();
    await owner.finish();
    expect(await history(db)).toMatchObject([
      { outcome: 'dead-lettered', error: { name: 'AttemptStopped' } },
    ]);
  });

  it('stores outputs that JSON or jsonb can not hold as well as it can, each without harm to the others', async () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const outputs: Record<string, unknown> = {
      nul: 'a\0b',
      half: '\ud800',
      cycle,
      big: 'x'.repeat(300_000),
      fine: { n: 1 },
    };
    const owner = await startOwner(await startLoneMember(database.url), {
      handlers: { noop: (job) => outputs[(job.payload as { which: string }).which] },
    });
    const tenant = await addTenant(db);
    for (const which of Object.keys(outputs)) await addRuns(db, tenant, 1, { payload: { which } });
    await owner.claimAll();
    await owner.finish();
    const ends = new Map(
      (await history(db)).map(({ payload, outcome, output }) => [payload.which, { outcome, output }]),
    );
    expect(Object.fromEntries(ends)).toEqual({
      nul: { outcome: 'succeeded', output: 'a\uFFFDb' },
      half: { outcome: 'succeeded', output: '\uFFFD' },
      cycle: { outcome: 'failed', output: null },
      big: { outcome: 'failed', output: null },
      fine: { outcome: 'succeeded', output: { n: 1 } },
    });
  });

  it('fails only the run whose result the database refuses', async () => {
    const owner = await startOwner(await startLoneMember(database.url));
    const ids = await addRuns(db, await addTenant(db), 9);
    await sql`alter table carillon.run_history_default add check (id <> ${sql.lit(ids[4])} or outcome = 'failed')`.execute(
      db,
    );
    await owner.claimAll();
    await owner.finish();
    const rows = await history(db);
    expect(rows.filter((row) => row.outcome === 'succeeded')).toHaveLength(8);
    expect(rows.find((row) => row.id === ids[4])).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('refused') as string },
    });
  });

  it('keeps ends that could not be written, and writes them once the database answers again', async () => {
    const member = await startLoneMember(database.url);
    const owner = await startOwner(member);
    await addRuns(db, await addTenant(db), 3);
    await owner.claimAll();
    await owner.start.runOnce();
    await until('all have ended', () => owner.held.running === 0);
    await sql`alter table carillon.claim rename to claim_away`.execute(db);
    await expect(owner.settleLoop.runOnce()).rejects.toThrow(/does not exist/);
    await sql`alter table carillon.claim_away rename to claim`.execute(db);
    await owner.finish();
    expect(await history(db)).toHaveLength(3);
  });
});
