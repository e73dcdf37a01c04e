// Locks that are held while something else is measured.
import type pg from 'pg';

type Querying = Pick<pg.Client, 'query'>;

export async function holdMany(
  db: Querying,
  { tenant, count }: { tenant: string; count: number },
): Promise<void> {
  await db.query(
    `insert into carillon.lock_hold (tenant_id, name, holder, mode, permits, expires_at)
     select t.id, 'held-' || n, 'bench', 'exclusive', 1, clock_timestamp() + interval '1 hour'
       from carillon.tenant t, generate_series(1, $2) n where t.name = $1`,
    [tenant, count],
  );
}

export async function releaseMany(db: Querying): Promise<void> {
  await db.query('delete from carillon.lock_hold');
  await db.query('vacuum carillon.lock_hold');
}
