// Is a refusal taken for a run's own fault only where it is about the run's value, and is what was written of a batch
// written no more, also when the rest fails?
import { describe, expect, it, vi } from 'vitest';
import { sql } from 'kysely';
import { addRuns, addTenant } from '../../support/rows.js';
import { count, history } from '../../support/run-rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner, type OwnerOptions } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const { db, member, tenant } = useLoneMember();

/** So many runs whose handlers are over, all of one claim, and none of them written. */
async function ended(wish: { runs: number; running?: number }, options: OwnerOptions = {}) {
  const owner = await startOwner(member, {
    ...options,
    handlers: { slow: () => new Promise(() => undefined), ...options.handlers },
  });
  const ids = await addRuns(
    db,
    tenant,
    wish.runs,
    options.handlers === undefined ? {} : { jobType: 'played' },
  );
  await addRuns(db, tenant, wish.running ?? 0, { jobType: 'slow' });
  await owner.claimAll();
  await owner.start.runOnce();
  await until('all that ends has ended', () => owner.held.running === (wish.running ?? 0));
  return { owner, ids };
}

/** A trigger on the history that refuses with this SQLSTATE while its condition holds. */
async function refuse(sqlstate: string, condition: string): Promise<void> {
  await sql`
    create function public.refuse() returns trigger language plpgsql as ${sql.lit(`begin
      if ${condition} then raise exception 'refused on purpose' using errcode = '${sqlstate}'; end if;
      return new;
    end`)}`.execute(db);
  await sql`create trigger refuse before insert on carillon.run_history_default for each row execute function public.refuse()`.execute(
    db,
  );
}

const PASSING = ['57014', '53100', '53200', '40P01', '40001', '55P03', 'XX000'];

describe('a refusal that passes', () => {
  it.each(PASSING)('%s fails no run: its end is written later', async (sqlstate) => {
    const { owner } = await ended({ runs: 5 });
    // It has passed when a failure would be written instead.
    await refuse(sqlstate, "new.outcome = 'succeeded'");
    for (let passes = 0; passes < 6; passes += 1)
      await expect(owner.settleLoop.runOnce()).rejects.toThrow('refused on purpose');
    expect(await count(db, 'run')).toBe(5);
    await sql`drop function public.refuse cascade`.execute(db);
    await owner.finish();
    expect((await history(db)).map(({ outcome, attempt }) => `${outcome} ${attempt}`)).toEqual(
      Array.from({ length: 5 }, () => 'succeeded 1'),
    );
  });

  it.each(['57014', '53100', '40P01', '25006'])(
    '%s puts off what a handler commits itself, and counts for nothing',
    async (sqlstate) => {
      const owner = await startOwner(member, {
        handlers: { played: (_job, { completeInTx }) => completeInTx(async () => 'done') },
        retry: { maxAttempts: 1 },
      });
      await addRuns(db, await addTenant(db), 1, { jobType: 'played' });
      await refuse(sqlstate, 'true');
      await owner.claimAll();
      await owner.finish();
      expect(await db.selectFrom('run').select(['attempt', 'failures']).execute()).toEqual([
        { attempt: 2, failures: 0 },
      ]);
      await sql`drop function public.refuse cascade`.execute(db);
      await sql`update carillon.run set run_at = now()`.execute(db);
      await owner.claimAll();
      await owner.finish();
      expect(await history(db)).toMatchObject([{ outcome: 'succeeded', attempt: 2, output: 'done' }]);
    },
  );

  it('leaves a failed attempt those that remain', async () => {
    const { owner } = await ended(
      { runs: 1 },
      { handlers: { played: () => Promise.reject(new Error('no luck')) }, retry: { maxAttempts: 3 } },
    );
    await sql`
      create function public.refuse() returns trigger language plpgsql as
      'begin raise exception ''refused on purpose'' using errcode = ''53200''; end'`.execute(db);
    await sql`create trigger refuse before update on carillon.run for each row execute function public.refuse()`.execute(
      db,
    );
    await expect(owner.settleLoop.runOnce()).rejects.toThrow('refused on purpose');
    await sql`drop function public.refuse cascade`.execute(db);
    await owner.settleLoop.runOnce();
    expect(await db.selectFrom('run').select(['attempt', 'failures']).execute()).toEqual([
      { attempt: 2, failures: 1 },
    ]);
  });

  it('that always meets some of a batch keeps none of the others waiting', async () => {
    const { owner, ids } = await ended({ runs: 12 });
    await refuse('53100', `new.id = any('{${ids[0]},${ids[7]}}')`);
    await until('all but two are written', async () => {
      await owner.settleLoop.runOnce().catch(() => undefined);
      return (await count(db, 'run_history')) === 10;
    });
    expect((await history(db)).map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 10 }, () => 'succeeded'),
    );
    await sql`drop function public.refuse cascade`.execute(db);
    await owner.finish();
    expect(await count(db, 'run_history')).toBe(12);
  });
});

describe('a batch of which a part is written', () => {
  it('and whose rest then fails puts back the rest alone, and its claim keeps what runs', async () => {
    const { owner, ids } = await ended({ runs: 8, running: 1 });
    const lost: unknown[] = [];
    owner.settleLoop.claimLost.subscribe((id) => lost.push(id));
    // The value of one is refused, so the batch is halved.
    await refuse('22003', `new.id = '${ids[7]}' and new.outcome = 'succeeded'`);
    const executor = member.self().db.getExecutor();
    const send = executor.executeQuery.bind(executor);
    let sent = 0;
    const broken = vi.spyOn(executor, 'executeQuery').mockImplementation((query) => {
      // The whole, the first half, and then the connection is gone.
      if ((sent += 1) > 2) throw Object.assign(new Error('Connection terminated unexpectedly'));
      return send(query);
    });
    await expect(owner.settleLoop.runOnce()).rejects.toThrow('terminated');
    expect(await count(db, 'run_history')).toBe(4);
    broken.mockRestore();
    await owner.settleLoop.runOnce();
    expect((await history(db)).map(({ outcome }) => outcome)).toEqual([
      ...Array.from({ length: 7 }, () => 'succeeded'),
      'failed',
    ]);
    expect(lost).toEqual([]);
    expect([owner.held.size, await count(db, 'claim'), await count(db, 'run')]).toEqual([1, 1, 1]);
  });

  it('is read back when the replica did not hear whether it was committed', async () => {
    const { owner } = await ended({ runs: 3, running: 1 });
    const lost: unknown[] = [];
    owner.settleLoop.claimLost.subscribe((id) => lost.push(id));
    const executor = member.self().db.getExecutor();
    const send = executor.executeQuery.bind(executor);
    vi.spyOn(executor, 'executeQuery').mockImplementationOnce(async (query) => {
      await send(query);
      throw new Error('Connection terminated unexpectedly');
    });
    await expect(owner.settleLoop.runOnce()).rejects.toThrow('terminated');
    expect(await count(db, 'run_history')).toBe(3);
    await owner.settleLoop.runOnce();
    expect([await count(db, 'run_history'), await count(db, 'run'), await count(db, 'claim')]).toEqual([
      3, 1, 1,
    ]);
    expect([owner.held.size, lost]).toEqual([1, []]);
  });
});
