// Schedules that are due each second: those of a second at a hundred instants, ten milliseconds apart.
import type pg from 'pg';

/** What was planned while the schedules were being made is over by then. */
export const CALM_MS = 12_000;

export async function beginTicking(pool: pg.Pool, schedules: number): Promise<void> {
  await pool.query(
    `insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, next_due_at)
     select gen_random_uuid(), t.id, t.slot, 'tick', 'noop',
            jsonb_build_object('kind', 'every', 'seconds', 1, 'anchorAt', to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')), a.at
       from (select *, row_number() over (order by name) as place from carillon.tenant limit $1::int) t
      cross join lateral (select date_trunc('second', clock_timestamp()) + interval '2 seconds' + t.place % 100 * interval '10 ms' as at) a`,
    [schedules],
  );
  await pool.query(`select pg_notify('carillon', 'plan')`);
}

export async function endTicking(pool: pg.Pool): Promise<void> {
  await pool.query('delete from carillon.schedule');
}

/** How late each fire of the last so many milliseconds started, in milliseconds. */
export async function lateMsOf(pool: pg.Pool, lastMs: number): Promise<number[]> {
  const { rows } = await pool.query<{ lateMs: number }>(
    `select extract(epoch from started_at - due_at)::float8 * 1000 as "lateMs" from carillon.fire
      where started_at is not null and due_at > clock_timestamp() - make_interval(secs => $1::float8)`,
    [lastMs / 1_000],
  );
  return rows.map(({ lateMs }) => lateMs);
}
