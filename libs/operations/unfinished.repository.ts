// Which of the runs that an operation has made are not over? A kind that makes runs has only so many unfinished at a time.
import { sql } from 'kysely';
import { plainArray } from '#database/array-text.js';
import type { Database } from '#database/connection.js';
import type { RunId, TenantId } from '#kernel/ids.js';

export async function unfinishedOf(
  db: Database,
  { tenantId, runs }: { tenantId: TenantId; runs: readonly RunId[] },
): Promise<RunId[]> {
  if (runs.length === 0) return [];
  const { rows } = await sql<{ id: RunId }>`
    select id from carillon.run where id = any(${plainArray(runs)}::uuid[]) and tenant_id = ${tenantId}`.execute(
    db,
  );
  return rows.map(({ id }) => id);
}
