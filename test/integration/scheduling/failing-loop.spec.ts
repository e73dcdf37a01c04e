// Does a failed run count whenever it is written?
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { FailingLoop } from '#scheduling/failing/failing-loop.js';
import { forgetFailures, readFailures } from '#scheduling/failing/failing.repository.js';
import { findSchedule, type Schedule } from '#scheduling/schedules/schedule.repository.js';
import { addSchedule, HOUR_MS } from '../../support/following.js';
import { openTransaction } from '../../support/open-transaction.js';
import { useLoneMember } from '../../support/test-member.js';

const { db, member, tenant } = useLoneMember();

async function failing(): Promise<Schedule> {
  const spec = { kind: 'every', seconds: 3_600, anchorAt: new Date(Date.now() + HOUR_MS) } as const;
  const schedule = await addSchedule(db, tenant, spec);
  await sql`update carillon.schedule set pause_after_failures = 1 where id = ${schedule.id}`.execute(db);
  await sql`delete from carillon.schedule_failure`.execute(db);
  return schedule;
}

async function fail(on: Database | Tx, { id }: Schedule): Promise<void> {
  await sql`
    insert into carillon.run_history (id, tenant_id, slot, job_type, schedule_id, payload, priority, run_at, attempt, created_at, outcome, finished_at)
    values (${randomUUIDv7()}, ${tenant.id}, ${tenant.slot}, 'noop', ${id}, '{}', 0, now(), 1, now(), 'failed', clock_timestamp())`.execute(
    on,
  );
}

const isPaused = async ({ tenantId, name }: Schedule) =>
  (await findSchedule(db, { tenantId, name }))?.isPaused;

it('pauses a schedule whose failure was noted before that of another one, and committed after it', async () => {
  const [early, late] = [await failing(), await failing()];
  const failure = await openTransaction((pause) =>
    inTransaction(db, async (tx) => {
      await fail(tx, early);
      await pause();
    }),
  );
  await fail(db, late);
  const { notes, failing: found } = await readFailures(db, 500);
  expect(found).toMatchObject([{ id: late.id, failures: 1 }]);
  await failure.letGo();
  await forgetFailures(db, [...notes.values()].flat());
  await new FailingLoop(member.leadership).runOnce();
  expect([await isPaused(early), await isPaused(late)]).toEqual([true, false]);
});
