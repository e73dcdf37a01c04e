// Makes and drops day partitions. A partition is made apart and then attached, which holds up no write to the other
// days. Only the default partition is locked meanwhile, and rows that a missed night left in it move along.
import { sql, type RawBuilder } from 'kysely';
import { PARTITIONING_LOCK } from '#database/advisory-locks.js';
import type { Database, Tx } from '#database/connection.js';
import type { PartitionDay } from './decisions/partition-days.js';

export interface PartitionedTable {
  name: 'fire' | 'run_history' | 'run_log';
  key: 'due_at' | 'finished_at' | 'at';
}

export const PARTITIONED_TABLES: readonly PartitionedTable[] = [
  { name: 'fire', key: 'due_at' },
  { name: 'run_history', key: 'finished_at' },
  { name: 'run_log', key: 'at' },
];

/** Replicas that start together do this one after the other; released with the transaction. */
export async function lockPartitioning(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${PARTITIONING_LOCK}, 0), set_config('lock_timeout', '2s', true)`.execute(
    tx,
  );
}

/** The days for which the table has a partition, as `2026-11-21`. */
export async function listPartitionDays(db: Database, table: PartitionedTable): Promise<string[]> {
  const { rows } = await sql<{ day: string }>`
    select replace(right(c.relname, 10), '_', '-') as day
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = ${`carillon.${table.name}`}::regclass and c.relname ~ '_\\d{4}_\\d{2}_\\d{2}$'
     order by day`.execute(db);
  return rows.map((row) => row.day);
}

export async function createPartition(
  tx: Tx,
  table: PartitionedTable,
  { day, from, to }: PartitionDay,
): Promise<void> {
  const parent = sql.table(`carillon.${table.name}`);
  const partition = partitionTable(table, day);
  const key = sql.ref(table.key);
  // Before it is emptied: a row that a writer has not committed yet would come back and refuse the attachment.
  await sql`lock table ${sql.table(`carillon.${table.name}_default`)} in access exclusive mode`.execute(tx);
  await sql`create table ${partition} (like ${parent} including defaults including constraints)`.execute(tx);
  await takeSettings(tx, table, partition);
  await sql`
    with moved as (
      delete from ${sql.table(`carillon.${table.name}_default`)} where ${key} >= ${from} and ${key} < ${to} returning *)
    insert into ${partition} select * from moved`.execute(tx);
  await sql`
    alter table ${parent} attach partition ${partition}
      for values from (${sql.lit(from.toISOString())}) to (${sql.lit(to.toISOString())})`.execute(tx);
}

/** A partition inherits no storage settings; what migrations set for the default one holds for all. */
async function takeSettings(tx: Tx, table: PartitionedTable, partition: RawBuilder<unknown>): Promise<void> {
  const { rows } = await sql<{ settings: string }>`
    select array_to_string(reloptions, ', ') as settings
      from pg_class where oid = ${`carillon.${table.name}_default`}::regclass and reloptions is not null`.execute(
    tx,
  );
  for (const { settings } of rows) await sql`alter table ${partition} set (${sql.raw(settings)})`.execute(tx);
}

export async function dropPartition(tx: Tx, table: PartitionedTable, day: string): Promise<void> {
  await sql`drop table ${partitionTable(table, day)}`.execute(tx);
}

/** Deletes rows of the default partition that are past their retention. */
export async function deleteOldDefaults(tx: Tx, table: PartitionedTable, before: Date): Promise<void> {
  await sql`delete from ${sql.table(`carillon.${table.name}_default`)} where ${sql.ref(table.key)} < ${before}`.execute(
    tx,
  );
}

function partitionTable(table: PartitionedTable, day: string): RawBuilder<unknown> {
  return sql.table(`carillon.${table.name}_${day.replaceAll('-', '_')}`);
}
