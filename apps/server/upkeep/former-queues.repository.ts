// Removes leftovers of an earlier version from the schema of the users' pg-boss. That version's upkeep ran there, so
// two queues of ours may lie among the users', and any pg-boss would fill their schedules for ever. The schedules are
// deleted at once. The queues and their jobs follow once no replica of that version is connected any more, since it
// would log an error at each fetch. Nothing else is touched, and the schema stays: it may be the users' by now.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';

/** The name of the sessions of an earlier version's pg-boss. */
const FORMER_SESSION = 'carillon-boss';
const TABLES = ['schedule', 'job', 'queue'] as const;

/** Does nothing where there is no such pg-boss. */
export async function removeFormerQueues(
  db: Database,
  { schema, queues }: { schema: string; queues: readonly string[] },
): Promise<void> {
  const { rows } = await sql<{ there: boolean; inUse: boolean }>`
    select to_regclass(quote_ident(${schema}) || '.schedule') is not null
             and to_regclass(quote_ident(${schema}) || '.queue') is not null as there,
           exists (select 1 from pg_stat_activity
                    where datname = current_database() and application_name = ${FORMER_SESSION}) as "inUse"`.execute(
    db,
  );
  const [seen] = rows;
  if (seen === undefined || !seen.there) return;
  for (const table of seen.inUse ? TABLES.slice(0, 1) : TABLES)
    await sql`delete from ${sql.id(schema, table)} where name = any(${[...queues]}::text[])`.execute(db);
}
