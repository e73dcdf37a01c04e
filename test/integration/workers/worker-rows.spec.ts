// Do replicas of this version and of the one before read the same of a worker, whichever of them has written its row?
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { insertWorker, listWorkers } from '#execution/leases/worker.repository.js';
import { asId } from '#kernel/ids.js';
import { addTenant } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';

const { db } = useTestDatabase();

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
