// Stores how far an attempt is, but only while its number is still the run's: a late note of a lost attempt changes
// nothing.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import type { RunId } from '#kernel/ids.js';

export interface ProgressNote {
  runId: RunId;
  attempt: number;
  /** Null leaves the stored value. */
  progressJson: string | null;
  /** Null leaves the stored value. */
  detailsJson: string | null;
}

/**
 * Resolves with the runs that it found. Runs under way are skipped while another transaction has them locked: the
 * transaction that settles them writes their last notes itself, and two batches that waited for each other's rows would
 * be a deadlock.
 */
export async function writeProgress(
  tx: Tx,
  notes: readonly ProgressNote[],
  whose: 'under-way' | 'ending',
): Promise<Set<RunId>> {
  const ids = notes.map((note) => note.runId);
  const locked = whose === 'under-way' ? sql`skip locked` : sql``;
  const { rows } = await sql<{ id: RunId }>`
    with free as materialized (
      select r.id, n.progress, n.details
        from unnest(${ids}::uuid[],
                    ${notes.map((note) => note.attempt)}::int[],
                    ${notes.map((note) => note.progressJson)}::text[],
                    ${notes.map((note) => note.detailsJson)}::text[]) as n (id, attempt, progress, details)
        join carillon.run r on r.id = n.id and r.attempt = n.attempt
       where r.id = any(${ids}::uuid[])
         for no key update of r ${locked})
    update carillon.run r
       set progress = coalesce(n.progress::jsonb, r.progress), details = coalesce(n.details::jsonb, r.details)
      from free n
     where r.id = any(${ids}::uuid[]) and r.id = n.id
    returning r.id`.execute(tx);
  return new Set(rows.map((row) => row.id));
}
