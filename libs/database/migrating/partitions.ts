// Keeps the day partitions right, by one idempotent act when a replica starts and each hour: it makes those that will
// be needed and drops those past their retention.
import { inTransaction, type Database } from '#database/connection.js';
import { planPartitions } from './decisions/partition-days.js';
import * as rows from './partition.repository.js';

export interface Retention {
  fireDays: number;
  historyDays: number;
  logDays: number;
}

/** `now` must be the database's time: a replica whose own clock is wrong would drop days that are still wanted. */
export async function maintainPartitions(
  db: Database,
  { retention, now }: { retention: Retention; now: Date },
): Promise<{ created: number; dropped: number }> {
  const done = { created: 0, dropped: 0 };
  const retentionOf = {
    fire: retention.fireDays,
    run_history: retention.historyDays,
    run_log: retention.logDays,
  };
  for (const table of rows.PARTITIONED_TABLES) {
    const retentionDays = retentionOf[table.name];
    await inTransaction(db, async (tx) => {
      await rows.lockPartitioning(tx);
      const plan = planPartitions({ existing: await rows.listPartitionDays(tx, table), now, retentionDays });
      for (const day of plan.create) await rows.createPartition(tx, table, day);
      for (const day of plan.drop) await rows.dropPartition(tx, table, day);
      if (plan.drop.length > 0) await rows.deleteOldDefaults(tx, table, plan.keepFrom);
      done.created += plan.create.length;
      done.dropped += plan.drop.length;
    });
  }
  return done;
}
