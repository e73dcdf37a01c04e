// Do replicas of this version and of the one before read the same of a worker, whichever of them has written its row? Is
// a worker forgotten only if it is silent?
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { inTransaction } from '#database/connection.js';
import { beatWorker, forgetWorkers, insertWorker, listWorkers } from '#execution/leases/worker.repository.js';
import { asId } from '#kernel/ids.js';
import { openTransaction, untilOneWaits } from '../../support/open-transaction.js';
import { addTenant } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';

const { db } = useTestDatabase();

it('a worker that beats again while it is being forgotten stays', async () => {
  const { id: tenantId } = await addTenant(db);
  const [silent, id] = [asId.worker(randomUUID()), asId.worker(randomUUID())];
  for (const one of [silent, id])
    await insertWorker(db, { id: one, tenantId, name: 'w', jobTypes: ['a'], concurrency: 1, labels: {} });
  await sql`update carillon.worker set heartbeat_at = heartbeat_at - interval '2 days'`.execute(db);
  const beat = await openTransaction((pause) =>
    inTransaction(db, async (tx) => {
      await beatWorker(tx, { tenantId, id });
      await pause();
    }),
  );
  const forgetting = forgetWorkers(db, { silentForMs: 86_400_000, limit: 10 });
  await untilOneWaits(db, forgetting);
  await beat.letGo();
  await forgetting;
  expect(await db.selectFrom('worker').select('id').execute()).toEqual([{ id }]);
});

it("a worker's concurrency is what the previous version writes and reads as slots", async () => {
  const { id: tenantId } = await addTenant(db);
  const [ours, theirs] = [asId.worker(randomUUID()), asId.worker(randomUUID())];
  await insertWorker(db, { id: ours, tenantId, name: 'ours', jobTypes: ['a'], concurrency: 3, labels: {} });
  await sql`
    insert into carillon.worker (id, tenant_id, name, job_types, slots, labels)
    values (${theirs}, ${tenantId}, 'theirs', '{a}', 5, '{}')`.execute(db);
  const { rows: listed } = await listWorkers(db, { tenantId, beforeId: null, limit: 10 });
  expect(Object.fromEntries(listed.map(({ name, concurrency }) => [name, concurrency]))).toEqual({
    ours: 3,
    theirs: 5,
  });
  const { rows } = await sql<{ name: string; slots: number }>`
    select name, slots from carillon.worker order by name`.execute(db);
  expect(rows).toEqual([
    { name: 'ours', slots: 3 },
    { name: 'theirs', slots: 5 },
  ]);
});
