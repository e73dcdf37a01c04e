// Has a due time one run when a request retries the run of it that was over before it started, and a backfill wants it, too?
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import { inTransaction } from '#database/connection.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { cancelRuns } from '#execution/run-actions/run-ending.js';
import { openFires, queueEndedRuns } from '#execution/run-actions/retry-ended.repository.js';
import { RETRIABLE, retryEnded } from '#execution/run-actions/retry-ended.js';
import { asId, type RunId } from '#kernel/ids.js';
import { makeBackfillRuns } from '#operations/backfill/backfill.repository.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import { changeSchedule } from '#scheduling/schedules/schedules.js';
import { SuspensionLoop } from '#scheduling/suspending/suspension-loop.js';
import { updateTenant } from '#tenancy/tenant.repository.js';
import { addSchedule, HOUR_MS } from '../../support/following.js';
import { openTransaction, untilOneWaits } from '../../support/open-transaction.js';
import { useLoneMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';

const { db, member, tenant } = useLoneMember();
const dueAt = new Date(Date.now() - HOUR_MS);
let schedule: Schedule;
let former: RunId;

beforeEach(async () => {
  schedule = await addSchedule(db, tenant, { kind: 'at', at: new Date(Date.now() + HOUR_MS) });
  [former = asId.run('none')] = await backfill();
  await cancel(former);
});

async function backfill(pause = () => Promise.resolve()): Promise<RunId[]> {
  const runs = [{ dueAt, runId: asId.run(randomUUIDv7()) }];
  return inTransaction(db, async (tx) => {
    const wanted = { scheduleId: schedule.id, concurrencyKey: null, payload: undefined, runs };
    const made = await makeBackfillRuns(tx, { tenantId: tenant.id, ...wanted });
    await pause();
    return made;
  });
}

const cancel = (run: RunId) => cancelRuns(db, { tenantId: tenant.id, slot: tenant.slot, ids: [run] });
const asked = () => ({ tenantId: tenant.id, ids: [former], outcomes: RETRIABLE });
const retry = () => retryEnded(db, asked());

async function fire() {
  const columns = ['outcome', 'reason', 'run_id', 'started_at'] as const;
  return db.selectFrom('fire').select(columns).where('due_at', '=', dueAt).executeTakeFirstOrThrow();
}

async function runs(): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId }>`select id from carillon.run`.execute(db);
  return rows.map(({ id }) => id);
}

it.each([
  ['is waited for where it is still ahead (I6)', new Date(Date.now() + HOUR_MS), false],
  ['is made up for at once where its run was to be tried again later', dueAt, true],
])('%s', async (_, due, isAtOnce) => {
  const runAt = new Date(Date.now() + HOUR_MS);
  await sql`update carillon.run_history set run_at = ${runAt}, due_at = ${due} where id = ${former}`.execute(
    db,
  );
  await retry();
  const { rows } = await sql<{ runAt: Date }>`select run_at as "runAt" from carillon.run`.execute(db);
  expect(rows.map((row) => row.runAt < runAt)).toEqual([isAtOnce]);
});

it('belongs to the run that a retry has brought back, and tells how it started', async () => {
  expect(await fire()).toMatchObject({ outcome: 'skipped', reason: 'cancelled', run_id: former });
  expect(await retry()).toEqual({ retried: [former], keptOut: [] });
  expect(await fire()).toMatchObject({ outcome: 'planned', reason: 'retry', started_at: null });
  expect(await backfill()).toEqual([]);
  const owner = await startOwner(member, { handlers: { noop: () => 'done' } });
  await owner.claimAll();
  await owner.finish();
  expect(await fire()).toMatchObject({ outcome: 'late', reason: 'retry', run_id: former });
});

it('is waited for by a backfill while a retry has it', async () => {
  const retrying = await openTransaction((pause) =>
    inTransaction(db, async (tx) => {
      await openFires(tx, asked());
      await queueEndedRuns(tx, asked());
      await pause();
    }),
  );
  const second = backfill();
  await untilOneWaits(db, second);
  await retrying.letGo();
  expect(await second).toEqual([]);
  expect(await runs()).toEqual([former]);
});

it('is waited for by a retry while a backfill has it, and the retry names the run that it made', async () => {
  const filling = await openTransaction(backfill);
  const second = retry();
  await untilOneWaits(db, second);
  const [holder] = await filling.letGo();
  expect(await second).toEqual({ retried: [], keptOut: [{ id: former, key: null, holder }] });
  expect(await runs()).toEqual([holder]);
  expect(await fire()).toMatchObject({ outcome: 'planned', reason: 'backfill', run_id: holder });
});

it('is decided anew when its run is cancelled again', async () => {
  await retry();
  await cancel(former);
  expect(await fire()).toMatchObject({ outcome: 'skipped', reason: 'cancelled', run_id: former });
});

it('stays as it is when its run had started', async () => {
  await sql`update carillon.fire set outcome = 'late', reason = null, started_at = now()`.execute(db);
  const before = await fire();
  expect(await retry()).toEqual({ retried: [former], keptOut: [] });
  expect(await fire()).toEqual(before);
});

it('needs no row in the ledger', async () => {
  await sql`delete from carillon.fire`.execute(db);
  expect(await retry()).toEqual({ retried: [former], keptOut: [] });
});

it('keeps the run that a retry has brought back when its schedule is paused, and its tenant suspended', async () => {
  await retry();
  const ref = { tenant, name: schedule.name, revision: null, by: 'test' };
  expect(await changeSchedule(db, ref, { kind: 'pause' })).toMatchObject({ kind: 'changed' });
  await updateTenant(db, { id: tenant.id, revision: null }, { state: 'suspended' });
  await new SuspensionLoop(member.leadership, { clock: systemClock, watchMs: 150_000 }).runOnce();
  expect(await runs()).toEqual([former]);
  expect(await fire()).toMatchObject({ outcome: 'planned', reason: 'retry', run_id: former });
});
