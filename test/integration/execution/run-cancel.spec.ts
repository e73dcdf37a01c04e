// Is a run that was cancelled, or that came too late, over at once if it waits and soon if it runs?
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { asReplica } from '#cluster/membership/replica-gate.js';
import { AttemptStopped } from '#execution/runs/attempt-stopped.js';
import { cancelRuns, endOverdue } from '#execution/run-actions/run-ending.js';
import { OverdueRunsLoop } from '#execution/run-actions/overdue-runs-loop.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { inTransaction, type Tx } from '#database/connection.js';
import { asId, type RunId } from '#kernel/ids.js';
import { openTransaction } from '../../support/open-transaction.js';
import { addRuns } from '../../support/rows.js';
import { count, history } from '../../support/run-rows.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const { db, member, tenant } = useLoneMember();
const cancel = (ids: Awaited<ReturnType<typeof addRuns>>) =>
  cancelRuns(db, { tenantId: tenant.id, slot: tenant.slot, ids });
const lost = asId.run('00000000-0000-7000-8000-000000000000');
const inPast = (): Date => new Date(Date.now() - 60_000);

describe('cancelling', () => {
  it('ends what nobody holds at once, and no claim finds it afterwards', async () => {
    const owner = await startOwner(member);
    const ids = await addRuns(db, tenant, 3);
    const { ended, requested } = await cancel(ids.slice(0, 2));
    expect([ended.toSorted(), requested]).toEqual([ids.slice(0, 2), []]);
    await owner.claimAll();
    expect(owner.held.size).toBe(1);
    await owner.finish();
    expect((await history(db)).map(({ outcome }) => outcome)).toEqual([
      'cancelled',
      'cancelled',
      'succeeded',
    ]);
    expect(await cancel(ids)).toEqual({ ended: [], requested: [] });
  });

  it('waits for a claim in flight, and then asks its holder', async () => {
    const [id = lost] = await addRuns(db, tenant, 1);
    const self = member.self();
    const claiming = await openTransaction((pause) =>
      asReplica(self.db, self, async (tx) => {
        await sql`insert into carillon.claim (id, replica, run_ids) values (gen_random_uuid(), ${self.replica}, array[${id}]::uuid[])`.execute(
          tx,
        );
        await pause();
      }),
    );
    const cancelling = cancel([id]);
    await until('the cancel waits for the gate', async () => {
      const { rows } =
        await sql`select 1 from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and locktype = 'advisory' and not granted`.execute(
          db,
        );
      return rows.length > 0;
    });
    await claiming.letGo();
    expect(await cancelling).toEqual({ ended: [], requested: [id] });
    expect(await count(db, 'run')).toBe(1);
  });

  it('only notes the request while the owner hangs in its gate, and the loop of overdue runs does the rest', async () => {
    const [id = lost] = await addRuns(db, tenant, 1);
    const self = member.self();
    const held = await openTransaction((pause) => asReplica(self.db, self, pause));
    expect(await cancel([id])).toEqual({ ended: [], requested: [id] });
    await held.letGo();
    await new OverdueRunsLoop(member.leadership, systemClock).runOnce();
    expect(await history(db)).toMatchObject([{ id, outcome: 'cancelled' }]);
  });

  it('keeps no run from a settlement that waits for it and has another one', async () => {
    const [first = lost, second = lost] = await addRuns(db, tenant, 2);
    const self = member.self();
    const held = await openTransaction((pause) => asReplica(self.db, self, pause));
    const lock = (tx: Tx, id: RunId) => sql`select from carillon.run where id = ${id} for update`.execute(tx);
    const settling = await openTransaction((pause) =>
      inTransaction(db, async (tx) => {
        await lock(tx, second);
        await pause();
        await lock(tx, first);
      }),
    );
    const cancelling = cancel([first, second]);
    await until('the cancel has given up the gate and waits for the second run', async () => {
      // What another role's session waits for, the activity does not show.
      const { rows } = await sql`
        select from pg_locks l join pg_stat_activity a on a.pid = l.pid
         where a.datname = current_database() and l.locktype = 'transactionid' and not l.granted`.execute(db);
      return rows.length > 0;
    });
    await settling.letGo();
    expect(await cancelling).toEqual({ ended: [], requested: [first, second] });
    await held.letGo();
  });

  it('is heard by a run that has been taken to be started and has not begun', async () => {
    const owner = await startOwner(member);
    const [id = lost] = await addRuns(db, tenant, 1);
    // One that was lost before is written down before it starts.
    await sql`update carillon.run set losses = 1, attempt = 2 where id = ${id}`.execute(db);
    await owner.claimAll();
    const held = owner.held.all().find(({ run }) => run.id === id);
    if (held === undefined) throw new Error('expected the run to be held, got nothing');
    await db
      .transaction()
      .execute(async (tx) => {
        await sql`select 1 from carillon.run where id = ${id} for update`.execute(tx);
        const starting = owner.start.runOnce();
        await until('its start waits to be written down', async () => {
          const { rows } =
            await sql`select 1 from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and not granted`.execute(
              db,
            );
          return rows.length > 0;
        });
        owner.executor.end(held, 'cancelled');
        return { starting };
      })
      .then(({ starting }) => starting);
    await owner.finish();
    expect(await history(db)).toMatchObject([{ id, outcome: 'cancelled' }]);
  });

  it('takes back what is held and waits, and stops what runs', async () => {
    const reasons: unknown[] = [];
    const owner = await startOwner(member, {
      handlers: {
        long: (_job, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              reasons.push(signal.reason);
              reject(signal.reason as Error);
            });
          }),
      },
      limits: { held: 10, running: 1 },
    });
    const ids = await addRuns(db, tenant, 2, { jobType: 'long' });
    await owner.claimAll();
    await owner.start.runOnce();
    expect([owner.held.size, owner.held.running]).toEqual([2, 1]);
    const { ended, requested } = await cancel(ids);
    expect([ended, requested.toSorted()]).toEqual([[], ids]);
    owner.heldWatch.hint();
    await owner.heldWatch.runOnce();
    await owner.finish();
    const rows = await history(db);
    expect(rows.map(({ outcome, error }) => [outcome, error])).toEqual([
      ['cancelled', null],
      ['cancelled', null],
    ]);
    expect(reasons).toMatchObject([{ name: 'AttemptStopped', why: 'cancelled' }]);
    const { rows: met } = await sql<{ replica: number | null }>`
      select replica from carillon.run_history order by started_at nulls last`.execute(db);
    expect(met).toEqual([{ replica: member.self().replica }, { replica: null }]);
  });

  it('of a run whose replica died comes true before it starts again', async () => {
    const owner = await startOwner(member);
    const ids = await addRuns(db, tenant, 2);
    await sql`insert into carillon.claim (id, replica, run_ids) values (gen_random_uuid(), 4711, ${ids}::uuid[])`.execute(
      db,
    );
    expect(await cancel(ids)).toMatchObject({ ended: [] });
    await owner.revocation.runOnce();
    // One is claimed before the loop comes by, the other not.
    await sql`update carillon.run set run_at = clock_timestamp() + interval '1 hour' where id = ${ids[1]}`.execute(
      db,
    );
    await owner.claimAll();
    await owner.finish();
    await new OverdueRunsLoop(member.leadership, systemClock).runOnce();
    expect((await history(db)).map(({ outcome }) => outcome)).toEqual(['cancelled', 'cancelled']);
  });
});

describe('a deadline', () => {
  it('that passes while a run waits unclaimed ends it, and decides its due time', async () => {
    const dueAt = new Date();
    const scheduleId = '00000000-0000-7000-8000-000000000001';
    const [late, inTime] = await addRuns(db, tenant, 2, { runAt: new Date(Date.now() + 3_600_000) });
    await sql`update carillon.run set deadline = ${inPast()}, schedule_id = ${scheduleId}, due_at = ${dueAt} where id = ${late}`.execute(
      db,
    );
    await sql`insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, run_id, term) values (${scheduleId}, ${dueAt}, ${tenant.id}, 'planned', ${late}, 1)`.execute(
      db,
    );
    await sql`update carillon.run set deadline = clock_timestamp() + interval '1 hour' where id = ${inTime}`.execute(
      db,
    );
    await new OverdueRunsLoop(member.leadership, systemClock).runOnce();
    expect(await history(db)).toMatchObject([
      { id: late, outcome: 'expired', error: { name: 'AttemptStopped' } },
    ]);
    const fires = await db.selectFrom('fire').select(['outcome', 'reason']).execute();
    expect(fires).toEqual([{ outcome: 'missed', reason: 'expired' }]);
  });

  it('keeps a claimed run from starting', async () => {
    let calls = 0;
    const owner = await startOwner(member, { handlers: { noop: () => (calls += 1) } });
    await addRuns(db, tenant, 1, { deadline: inPast() });
    await owner.claimAll();
    await owner.finish();
    expect([calls, await history(db)]).toMatchObject([0, [{ outcome: 'expired' }]]);
  });

  it('takes back a run that is held and waits for room', async () => {
    const owner = await startOwner(member, {
      limits: { held: 10, running: 1 },
      handlers: { hang: () => new Promise(() => undefined) },
    });
    await addRuns(db, tenant, 1, { jobType: 'hang' });
    await owner.claimAll();
    await owner.start.runOnce();
    await addRuns(db, tenant, 1, { deadline: inPast() });
    await owner.claimAll();
    await owner.heldWatch.runOnce();
    await owner.settleLoop.runOnce();
    expect(await history(db)).toMatchObject([{ outcome: 'expired' }]);
    owner.running.abandonAll(new AttemptStopped('replica-fenced', 'the test is over'));
  });

  it('stops a running attempt, and gives up a handler that does not listen', async () => {
    const finish = Promise.withResolvers<void>();
    const owner = await startOwner(member, { handlers: { deaf: () => finish.promise }, graceMs: 30 });
    const late: unknown[] = [];
    owner.executor.late.subscribe((what) => late.push(what));
    const [id = lost] = await addRuns(db, tenant, 1, { jobType: 'deaf' });
    await owner.claimAll();
    // Counted from here, so that it passes while the run is running, however long the claim took.
    const deadline = new Date(member.databaseClock.now().getTime() + 100);
    Object.assign(owner.held.all().find(({ run }) => run.id === id)?.run ?? {}, { deadline });
    await owner.finish();
    expect(await history(db)).toMatchObject([{ outcome: 'expired', attempt: 1 }]);
    finish.resolve();
    await until('the late result is reported', () => late.length > 0);
    expect(late).toMatchObject([{ attempt: 1, why: 'deadline', said: 'succeeded' }]);
    expect(await history(db)).toMatchObject([{ outcome: 'expired' }]);
  });

  it('is left alone by the loop of overdue runs while the run has a holder', async () => {
    const owner = await startOwner(member);
    const [id = lost] = await addRuns(db, tenant, 1, { deadline: inPast() });
    await owner.claimAll();
    expect(await endOverdue(db, [{ id, slot: tenant.slot }])).toEqual([]);
    expect(await count(db, 'run')).toBe(1);
  });
});
