// Is a tenant's suspension made up for once, and without a storm, however many schedules it has? The operation has only so
// many unfinished runs at a time, waits for places, and goes on where a carrier broke off. Steps are taken by hand.
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import { inTransaction } from '#database/connection.js';
import type { OperationId } from '#kernel/ids.js';
import type { OperationKind } from '#operations/operation.js';
import * as rows from '#operations/operation.repository.js';
import { takeStep, type OperationKinds } from '#operations/steps.js';
import { startTenantCatchUp, TENANT_CATCH_UP_KIND } from '#operations/tenant-catch-up/catch-up-tenant.js';
import type { CatchUp } from '#scheduling/decisions/catch-up.js';
import { changeSchedule, createSchedule } from '#scheduling/schedules/schedules.js';
import { useLoneMember } from '../../support/test-member.js';
import { plannerOf } from '../../support/test-planner.js';

const { db, member, tenant } = useLoneMember();

const kindsOf = (kind: OperationKind): OperationKinds => new Map([[kind.name, kind]]);
const KINDS = kindsOf({ ...TENANT_CATCH_UP_KIND, itemsPerStep: 2 });
const SIXTY: CatchUp = { mode: 'all', withinSeconds: 86_400, max: 60 };
const NAMES = Array.from({ length: 7 }, (_, n) => `job-${n}`);

/** Each has been due each second of the ten minutes for which its tenant was suspended. */
beforeEach(async () => {
  const spec = { kind: 'every', seconds: 1, anchorAt: new Date(0) } as const;
  for (const name of NAMES)
    await createSchedule(db, tenant, {
      name,
      jobType: 'noop',
      payload: {},
      by: 'test',
      spec,
      catchUp: SIXTY,
    });
  await sql`alter table carillon.tenant disable trigger note_suspension`.execute(db);
  await sql`update carillon.tenant set suspended_at = now() - interval '10 minutes', resumed_at = now() where id = ${tenant.id}`.execute(
    db,
  );
  await sql`update carillon.schedule set spec_since = null`.execute(db);
});

async function start(names: readonly string[] = NAMES): Promise<OperationId> {
  const started = await inTransaction(db, (tx) =>
    startTenantCatchUp(tx, { tenantId: tenant.id, names, by: 'test' }, () => Promise.resolve()),
  );
  return started?.id ?? expect.unreachable('expected an operation to begin');
}
const read = async (id: OperationId) =>
  (await rows.findOperation(db, { tenantId: tenant.id, id })) ??
  expect.unreachable('expected it to be there');

interface Counted {
  runs: number;
  dueTimes: number;
  most: number;
}
/** Of the runs that wait. */
async function count(): Promise<Counted> {
  const found = await sql<Counted>`
    select coalesce(sum(runs), 0)::int as runs, coalesce(sum(due), 0)::int as "dueTimes", coalesce(max(runs), 0)::int as most
      from (select count(*) as runs, count(distinct due_at) as due from carillon.run where due_at <= now() group by schedule_id) each`.execute(
    db,
  );
  return found.rows[0] ?? { runs: -1, dueTimes: -1, most: -1 };
}
const endRuns = () => sql`delete from carillon.run`.execute(db);

it('makes at most two hundred runs that are unfinished at a time, until each schedule has caught up', async () => {
  const id = await start();
  const made: number[] = [];
  while ((await read(id)).endedAt === null) {
    while ((await takeStep(db, id, KINDS)).kind === 'moved');
    made.push((await count()).runs);
    await endRuns();
  }
  expect(made).toEqual([180, 180, 60]);
  expect(await read(id)).toMatchObject({
    state: 'succeeded',
    counts: { caughtUp: 7, runsMade: 420, unchanged: 0, refused: 0, notFound: 0 },
  });
});

it('two that carry it at once, one that breaks off, and a second request make nothing twice', async () => {
  const id = await start(NAMES.slice(0, 3));
  const breaking: OperationKind = {
    ...TENANT_CATCH_UP_KIND,
    itemsPerStep: 1,
    step: async (tx, held) => {
      await TENANT_CATCH_UP_KIND.step(tx, held);
      throw new Error('broken off');
    },
  };
  await expect(takeStep(db, id, kindsOf(breaking))).rejects.toThrow('broken off');
  expect(await count()).toMatchObject({ runs: 0 });
  expect(await start(NAMES.slice(0, 3))).toBe(id);
  const carry = async () => {
    while ((await read(id)).endedAt === null) await takeStep(db, id, KINDS);
  };
  await Promise.all([carry(), carry()]);
  // Later the planner reaches what was due in the suspension and leaves it as it is.
  await sql`update carillon.schedule set next_due_at = date_trunc('second', now() - interval '9 minutes')`.execute(
    db,
  );
  await plannerOf(member).runOnce();
  const { rows: ran } = await sql<{ runs: number }>`
    select count(*)::int as runs from carillon.fire where reason = 'catch-up' and outcome = 'planned' group by schedule_id`.execute(
    db,
  );
  expect(ran.filter(({ runs }) => runs === 60)).toHaveLength(3);
  expect(await read(id)).toMatchObject({ counts: { runsMade: 180 } });
});

it('waits for places of its tenant, and leaves out a schedule that will never have enough', async () => {
  const limit = (maxQueued: number) =>
    sql`update carillon.tenant set limits = ${JSON.stringify({ maxQueued })}::jsonb where id = ${tenant.id}`.execute(
      db,
    );
  await limit(100);
  const id = await start(NAMES.slice(0, 3));
  expect((await takeStep(db, id, KINDS)).kind).toBe('moved');
  expect((await takeStep(db, id, KINDS)).kind).toBe('waits');
  expect(await count()).toEqual({ runs: 60, dueTimes: 60, most: 60 });
  await endRuns();
  expect((await takeStep(db, id, KINDS)).kind).toBe('moved');
  await endRuns();
  await limit(59);
  expect((await takeStep(db, id, KINDS)).kind).toBe('moved');
  expect(await read(id)).toMatchObject({
    state: 'succeeded',
    counts: { caughtUp: 2, refused: 1, runsMade: 120 },
  });
});

it('passes over schedules that are gone or paused, and due times that were decided otherwise', async () => {
  const [gone, paused, skipped] = ['job-0', 'job-1', 'job-2'];
  const by = { tenant, revision: null, by: 'test' };
  await changeSchedule(db, { ...by, name: paused ?? '' }, { kind: 'pause' });
  await sql`delete from carillon.schedule where name = ${gone}`.execute(db);
  await sql`
    insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, reason, term)
    select s.id, at, s.tenant_id, 'skipped', case when at > now() - interval '30 seconds' then 'requested' else 'suspended' end, 1
      from carillon.schedule s
     cross join generate_series(date_trunc('second', now() - interval '5 minutes'), date_trunc('second', now()) - interval '1 second', interval '1 second') as at
     where s.name = ${skipped}`.execute(db);
  const id = await start([gone, paused, skipped].map((name) => name ?? ''));
  while ((await read(id)).endedAt === null) await takeStep(db, id, KINDS);
  const { counts } = await read(id);
  expect(counts).toMatchObject({ notFound: 1, unchanged: 1, caughtUp: 1, refused: 0 });
  expect(counts['runsMade']).toBeGreaterThan(20);
  expect(counts['runsMade']).toBeLessThan(40);
});
