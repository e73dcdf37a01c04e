// A transaction that a test keeps open until it lets it go, and no longer than the test: one that a failed test left
// open would keep its locks, and the replica that leaves behind the test would wait for them.
import { sql } from 'kysely';
import { onTestFinished } from 'vitest';
import type { Database } from '#database/connection.js';
import { until } from './until.js';

/** `act` calls `pause` when it has what it is to keep. Resolves then. */
export async function openTransaction<Value>(
  act: (pause: () => Promise<void>) => Promise<Value>,
): Promise<{ letGo: () => Promise<Value> }> {
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  onTestFinished(() => end.resolve());
  const done = act(() => {
    begun.resolve();
    return end.promise;
  });
  await Promise.race([begun.promise, done]);
  return { letGo: () => (end.resolve(), done) };
}

/** That the other one waits for what an open transaction has locked. */
export async function untilOneWaits(db: Database, other: Promise<unknown>): Promise<void> {
  let isOver = false;
  void other.then(() => (isOver = true));
  await until('one waits for the other, or is over', async () => {
    const { rows } = await sql`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
      db,
    );
    return isOver || rows.length > 0;
  });
}
