// The locks of a tenant: those that are held or waited for, and those that are semaphores.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';

export interface ListedLock {
  name: string;
  permits: number | null;
  revision: number | null;
  waiters: number;
}

/** By name, after the one given. Each name is found by one step along an index, however many holds it has. */
export async function listLocks(
  db: Database,
  { tenantId, afterName, limit }: { tenantId: TenantId; afterName: string; limit: number },
): Promise<ListedLock[]> {
  const { rows } = await sql<ListedLock>`
    with recursive named (name, place) as (
      select (${nextName(tenantId, sql`${afterName}::text`)}), 1
       union all
      select (${nextName(tenantId, sql`named.name`)}), place + 1
        from named
       where named.name is not null and place < ${limit})
    ${described(tenantId, sql`named`)}
     where named.name is not null
     order by named.name`.execute(db);
  return rows;
}

/** Of any name: a lock that nothing holds is there all the same. */
export async function findLock(
  db: Database,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<ListedLock> {
  const { rows } = await sql<ListedLock>`
    ${described(tenantId, sql`(select ${name}::text as name) as named`)}`.execute(db);
  return rows[0] ?? { name, permits: null, revision: null, waiters: 0 };
}

type Fragment = ReturnType<typeof sql>;

function described(tenantId: TenantId, named: Fragment): Fragment {
  return sql`
    select named.name, s.permits, s.revision::float8 as revision,
           (select count(*)::int from carillon.lock_wait w
             where w.tenant_id = ${tenantId} and w.name = named.name and w.until > clock_timestamp()) as waiters
      from ${named}
      left join carillon.semaphore s on s.tenant_id = ${tenantId} and s.name = named.name`;
}

/** Tables sort names by the database's collation, in which the pages go on, too. */
function nextName(tenantId: TenantId, after: Fragment): Fragment {
  return sql`
    select least(
      (select min(h.name) from carillon.lock_hold h
        where h.tenant_id = ${tenantId} and h.name > ${after} and h.expires_at > clock_timestamp()),
      (select min(w.name) from carillon.lock_wait w
        where w.tenant_id = ${tenantId} and w.name > ${after} and w.until > clock_timestamp()),
      (select min(s.name) from carillon.semaphore s where s.tenant_id = ${tenantId} and s.name > ${after}))`;
}
