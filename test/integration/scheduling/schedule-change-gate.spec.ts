// Does a change of a schedule wait for the owner that may be claiming its runs, also when the slot changes hands meanwhile?
import { expect, it } from 'vitest';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { holdGateAlone } from '#cluster/membership/replica-gate.js';
import { REPLICA_GATE } from '#database/advisory-locks.js';
import { claimRuns } from '#execution/claiming/claims/claim.repository.js';
import { asId } from '#kernel/ids.js';
import { changeSchedule, createSchedule } from '#scheduling/schedules/schedules.js';
import { addRuns, openClient } from '../../support/rows.js';
import { count } from '../../support/run-rows.js';
import { startMember, useLoneMember } from '../../support/test-member.js';
import { until } from '../../support/until.js';

const database = useLoneMember();
const { db, member, tenant } = database;

it('I5: takes back no run that the new owner of its slot is just claiming', async () => {
  const old = member.self();
  const successor = (await startMember(database.url, { roles: ['worker'] })).self();
  const spec = { kind: 'every', seconds: 3_600, anchorAt: new Date('2026-01-01T00:00:00.000Z') } as const;
  const created = await createSchedule(db, tenant, {
    name: 'hourly',
    jobType: 'noop',
    spec,
    payload: {},
    by: 'test',
  });
  if (created.kind !== 'created') expect.unreachable(`expected a schedule, got ${created.kind}`);
  const [run] = await addRuns(db, tenant, 1);
  const dueAt = new Date('2026-11-21T08:00:00.000Z');
  await sql`update carillon.run set schedule_id = ${created.schedule.id}, due_at = ${dueAt} where id = ${run}`.execute(
    db,
  );
  await sql`insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, run_id, term)
            values (${created.schedule.id}, ${dueAt}, ${tenant.id}, 'planned', ${run}, 1)`.execute(db);
  const watcher = await openClient(database.url);
  const waiting = (replica: number) => async (): Promise<boolean> => {
    const found = await watcher.query(
      `select 1 from pg_locks where locktype = 'advisory' and not granted and objid = ${replica}
          and database = (select oid from pg_database where datname = current_database())`,
    );
    return found.rowCount === 1;
  };

  let change: Promise<unknown> = Promise.resolve();
  await db.transaction().execute(async (claim) => {
    // The new owner's claim is under way: it holds its gate shared, as asReplica() does.
    await sql`select pg_advisory_xact_lock_shared(${REPLICA_GATE}, ${successor.replica})`.execute(claim);
    await db.transaction().execute(async (handOver) => {
      await holdGateAlone(handOver, old.replica);
      change = changeSchedule(db, { tenant, name: 'hourly', revision: null, by: 'test' }, { kind: 'pause' });
      await until('the change waits for the old owner', waiting(old.replica));
      await sql`update carillon.slot_owner set owner = ${successor.replica}, epoch = epoch + 1`.execute(
        handOver,
      );
    });
    const { rows } = await sql<{ epoch: number }>`
      select epoch::int as epoch from carillon.slot_owner where slot = ${tenant.slot}`.execute(claim);
    const lane = {
      ...tenant,
      tenantId: tenant.id,
      lane: 'default/noop',
      quota: 1,
      epoch: rows[0]?.epoch ?? 0,
      from: null,
    };
    const { runs } = await claimRuns(claim, {
      claimId: asId.claim(randomUUID()),
      replica: successor.replica,
      lanes: [lane],
      excluded: [],
      aheadMs: 0,
    });
    expect(runs.map(({ id }) => id)).toEqual([run]);
  });
  expect(await change).toMatchObject({ kind: 'changed' });
  expect([await count(db, 'run'), await count(db, 'claim')]).toEqual([1, 1]);
});

it('I9: while a change waits for an owner that hangs it keeps no other request from the schedule, and says so in the end', async () => {
  const owner = member.self();
  const spec = { kind: 'every', seconds: 60, anchorAt: new Date('2026-01-01T00:00:00.000Z') } as const;
  await createSchedule(db, tenant, { name: 'hourly', jobType: 'noop', spec, payload: {}, by: 'test' });
  const frozen = await openClient(database.url);
  await frozen.query('begin');
  await frozen.query(`select pg_advisory_xact_lock_shared(${REPLICA_GATE}, ${owner.replica})`);
  const ref = { tenant, name: 'hourly', revision: null, by: 'test' };
  const change = changeSchedule(db, ref, { kind: 'pause' });
  await until('the change waits for the owner', async () => {
    const waiting = await frozen.query(
      "select 1 from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()) and locktype = 'advisory' and not granted",
    );
    return waiting.rowCount === 1;
  });
  await frozen.query("select 1 from carillon.schedule where name = 'hourly' for update nowait");
  await frozen.query('select 1 from carillon.slot_owner for update nowait');
  expect(await change).toEqual({ kind: 'owner-hangs' });
  await frozen.query('rollback');
  expect(await changeSchedule(db, ref, { kind: 'pause' })).toMatchObject({ kind: 'changed' });
});
