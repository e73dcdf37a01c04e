// A run's rank, written as the index of waiting runs has it; rankOf() of decisions/lane.ts computes the same in memory.
// It stands here once, because a statement that words it otherwise gets the same rows but uses no index.
import { sql, type RawBuilder } from 'kysely';

/** The rank of the run, or of the lease that stands for one, in the table of this name. */
export function rankIn(table?: string): RawBuilder<unknown> {
  const of = table === undefined ? '' : `${table}.`;
  return sql.raw(`(${of}run_at at time zone 'UTC') - ${of}priority * interval '1 minute'`);
}
