// How much of a page is read? As many of its rows as the page may have bytes: payloads, outputs and schemas are chosen
// by tenants, and 200 of the largest would keep the event loop busy for a second. The rows beyond never leave the
// server. They are measured one after the other, since measuring a row means unpacking all that it holds.
import { sql, type Expression } from 'kysely';
import type { Database } from './connection.js';

/** A page begins no further row once its rows have so many bytes as text. */
export const PAGE_BYTES_MAX = 1024 * 1024;

export interface FittingPage<Row> {
  rows: Row[];
  /** The page was cut: its first row beyond is already too much. */
  isCut: boolean;
}

/** `page` is in order and has a limit. At least its first row fits. */
export async function readFitting<Row extends object>(
  db: Database,
  page: Expression<Row>,
): Promise<FittingPage<Row>> {
  const { rows } = await sql<Row & { pagePlace: number; pageRows: number }>`
    with recursive page as materialized (select row_number() over () as "pagePlace", wanted.* from (${page}) wanted),
    measured (place, bytes_before) as (
      select 1::bigint, 0::bigint
       union all
      select place + 1, bytes_before + octet_length(page::text)
        from measured
        join page on "pagePlace" = place
       where bytes_before < ${PAGE_BYTES_MAX})
    select page.*, (select count(*) from page) as "pageRows"
      from measured
      join page on "pagePlace" = place
     where bytes_before < ${PAGE_BYTES_MAX}
     order by place`.execute(db);
  return {
    isCut: rows.length < (rows[0]?.pageRows ?? 0),
    rows: rows.map(({ pagePlace: _place, pageRows: _rows, ...row }) => row as unknown as Row),
  };
}
