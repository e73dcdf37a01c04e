// Does each item of an operation have its effect once, however many replicas carry it? Two carry one at the same time, one
// breaks off in the middle of a step, and one is gone with the row in its hands. Steps are taken by hand.
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import { BACKFILL_KIND, startBackfill } from '#operations/backfill/backfill.js';
import type { OperationKind } from '#operations/operation.js';
import * as rows from '#operations/operation.repository.js';
import { takeStep, type OperationKinds } from '#operations/steps.js';
import { changeSchedule, createSchedule } from '#scheduling/schedules/schedules.js';
import { findPlannedDue } from '#scheduling/suspending/suspended-run.repository.js';
import { startSteering, STEERING_KINDS } from '#operations/schedule-states/steer.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import type { OperationId } from '#kernel/ids.js';
import { addRuns, openClient } from '../../support/rows.js';
import { useLoneMember } from '../../support/test-member.js';

const database = useLoneMember();
const { db, tenant } = database;

const DUE_TIMES = 60;
const HOUR_MS = 3_600_000;
const anchorAt = new Date('2026-01-01T00:00:00.000Z');
const dueTimes = Array.from({ length: DUE_TIMES }, (_, n) => new Date(anchorAt.getTime() + n * HOUR_MS));
const smallSteps = (kind: OperationKind): OperationKind => ({ ...kind, itemsPerStep: 7 });
const kindsOf = (kind: OperationKind): OperationKinds => new Map([[kind.name, kind]]);
const KINDS = kindsOf(smallSteps(BACKFILL_KIND));

let schedule: Schedule;
let id: OperationId;

beforeEach(async () => {
  const spec = { kind: 'every', seconds: 3_600, anchorAt } as const;
  const created = await createSchedule(db, tenant, {
    name: 'hourly',
    jobType: 'noop',
    spec,
    payload: {},
    by: 'test',
  });
  if (created.kind !== 'created') expect.unreachable(`expected a schedule, got ${created.kind}`);
  schedule = created.schedule;
  ({ id } = await begin());
});

const begin = () =>
  startBackfill(db, { tenantId: tenant.id, schedule, dueTimes, maxUnfinished: 1_000, payload: undefined });
const read = async () => {
  const found = await rows.findOperation(db, { tenantId: tenant.id, id });
  return found ?? expect.unreachable('expected the operation to be there');
};
async function runs(): Promise<string[]> {
  const found = await sql<{
    dueAt: Date;
  }>`select due_at as "dueAt" from carillon.run order by due_at`.execute(db);
  return found.rows.map(({ dueAt }) => dueAt.toISOString());
}
const EACH_ONCE = dueTimes.map((dueAt) => dueAt.toISOString());

/** Until it has ended. */
async function carry(kinds = KINDS): Promise<void> {
  while ((await read()).endedAt === null) await takeStep(db, id, kinds);
}

it('two that carry one operation at once, and a second operation of the same time, make nothing twice', async () => {
  const first = id;
  const second = (await begin()).id;
  const carryOne = async (one: OperationId) => {
    for (;;) {
      const found = await rows.findOperation(db, { tenantId: tenant.id, id: one });
      if (found?.endedAt !== null) return;
      await takeStep(db, one, KINDS);
    }
  };
  await Promise.all([carryOne(first), carryOne(first), carryOne(second), carryOne(second)]);
  expect(await runs()).toEqual(EACH_ONCE);
  const ended = await Promise.all(
    [first, second].map((one) => rows.findOperation(db, { tenantId: tenant.id, id: one })),
  );
  const sum = (name: string) => ended.reduce((total, one) => total + (one?.counts[name] ?? 0), 0);
  expect([sum('runsMade'), sum('alreadyThere')]).toEqual([DUE_TIMES, DUE_TIMES]);
  for (const one of ended)
    expect(one).toMatchObject({ state: 'succeeded', done: DUE_TIMES, total: DUE_TIMES });
});

it('one that breaks off behind the effect of a step and before its commit has done nothing', async () => {
  let steps = 0;
  const breaking: OperationKind = {
    ...smallSteps(BACKFILL_KIND),
    step: async (tx, held) => {
      const result = await BACKFILL_KIND.step(tx, held);
      steps += 1;
      if (steps % 2 === 0) throw new Error('broken off');
      return result;
    },
  };
  await takeStep(db, id, kindsOf(breaking));
  await expect(takeStep(db, id, kindsOf(breaking))).rejects.toThrow('broken off');
  expect(await read()).toMatchObject({ state: 'running', done: 7, counts: { runsMade: 7 } });
  expect(await runs()).toEqual(EACH_ONCE.slice(0, 7));
  await carry();
  expect(await runs()).toEqual(EACH_ONCE);
});

it('one that holds the operation is passed by, and when it is gone another goes on', async () => {
  await takeStep(db, id, KINDS);
  const holder = await openClient(database.url);
  await holder.query('begin');
  await holder.query('select 1 from carillon.operation for update');
  expect(await takeStep(db, id, KINDS)).toEqual({ kind: 'over' });
  const { rows: sessions } = await holder.query<{ pid: number }>('select pg_backend_pid() as pid');
  const administrator = await openClient(database.url);
  await administrator.query('select pg_terminate_backend($1, 10000)', [sessions[0]?.pid]);
  await carry();
  expect(await runs()).toEqual(EACH_ONCE);
});

it('gets a carrier again when none has taken a step for a while, and not before', async () => {
  const take = () => rows.takeToCarry(db, { limit: 10, forMs: 60_000 });
  expect(await take()).toEqual([id]);
  expect(await take()).toEqual([]);
  await takeStep(db, id, KINDS);
  expect(await take()).toEqual([]);
  await rows.putDown(db, { id, forMs: 0 });
  expect(await take()).toEqual([id]);
  await rows.putDown(db, { id, forMs: 0 });
  await carry();
  expect(await take()).toEqual([]);
});

it('waits while its tenant is suspended or full, and takes no step once it was cancelled', async () => {
  await sql`update carillon.tenant set state = 'suspended' where id = ${tenant.id}`.execute(db);
  expect(await takeStep(db, id, KINDS)).toEqual({ kind: 'waits' });
  await sql`update carillon.tenant set state = 'active', limits = '{"maxQueued":3}' where id = ${tenant.id}`.execute(
    db,
  );
  expect(await takeStep(db, id, KINDS)).toMatchObject({ kind: 'moved' });
  expect(await takeStep(db, id, KINDS)).toEqual({ kind: 'waits' });
  expect(await runs()).toEqual(EACH_ONCE.slice(0, 3));
  await rows.cancelOperation(db, { tenantId: tenant.id, id });
  await sql`update carillon.tenant set limits = '{}' where id = ${tenant.id}`.execute(db);
  expect(await takeStep(db, id, KINDS)).toEqual({ kind: 'over' });
  expect(await read()).toMatchObject({ state: 'cancelled', done: 3 });
});

it('has runs that no suspension and no change of the schedule takes back, unlike those that were planned', async () => {
  await carry();
  const [planned] = await addRuns(db, tenant, 1);
  const dueAt = new Date(anchorAt.getTime() + DUE_TIMES * HOUR_MS);
  await sql`update carillon.run set schedule_id = ${schedule.id}, due_at = ${dueAt} where id = ${planned}`.execute(
    db,
  );
  await sql`insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, run_id, term)
            values (${schedule.id}, ${dueAt}, ${tenant.id}, 'planned', ${planned}, 1)`.execute(db);
  expect(await findPlannedDue(db, { tenantId: tenant.id, limit: 100 })).toEqual([planned]);
  await changeSchedule(db, { tenant, name: 'hourly', revision: null, by: 'test' }, { kind: 'pause' });
  expect(await runs()).toEqual(EACH_ONCE);
});

it('is left alone by a version that does not know its kind', async () => {
  expect(await takeStep(db, id, new Map())).toEqual({ kind: 'over' });
  expect(await read()).toMatchObject({ state: 'pending', done: 0, error: null });
});

it('is cleared away so many days after it has ended', async () => {
  await carry();
  const clear = () => rows.deleteOldOperations(db, { keptDays: 30, limit: 10 });
  expect(await clear()).toBe(0);
  await sql`update carillon.operation set ended_at = now() - interval '31 days'`.execute(db);
  expect((await begin()).state).toBe('pending');
  expect(await clear()).toBe(1);
  expect(await rows.listOperations(db, { tenantId: tenant.id, before: null, limit: 10 })).toHaveLength(1);
});

it('fails when the pause that it sets would be over already', async () => {
  const until = new Date(Date.now() - 1_000);
  const steering = { by: 'test', verb: 'pause', reason: 'late', until } as const;
  ({ id } = await startSteering(db, { tenantId: tenant.id, names: ['hourly'], steering }));
  await carry(new Map(STEERING_KINDS.map((kind) => [kind.name, kind])));
  expect(await read()).toMatchObject({ state: 'failed', done: 0 });
  expect((await read()).error).toContain(until.toISOString());
});
