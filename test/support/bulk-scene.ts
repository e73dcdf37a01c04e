// A tenant without a server, for what comes in from SQL: its job types differ in what they say of keys.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import { addTenant } from './rows.js';

/** Has the job types `plain`, `skipping` and `in-order`; resolves with its name. */
export async function tenantWithJobs(db: Database, limits: object = {}): Promise<string> {
  const { id } = await addTenant(db);
  await sql`
    insert into carillon.job_type (id, tenant_id, name, kind, target, retry, timeout_ms, key_defaults)
    select gen_random_uuid(), ${id}, name, 'handler', '{"handler": "noop"}', '{}', 1000, key_defaults
      from (values ('plain', null), ('skipping', '{"overlap": {"mode": "skip"}}'::jsonb), ('in-order', '{"order": "strict"}'))
           as j (name, key_defaults)`.execute(db);
  const { rows } = await sql<{ name: string }>`
    update carillon.tenant set limits = ${limits} where id = ${id} returning name`.execute(db);
  return rows[0]?.name ?? '';
}
