// A run's rank as the index of waiting runs has it; rankOf() of decisions/lane.ts is the same in memory. It stands here
// once, because a statement that words it otherwise is right all the same and walks no index.
import { sql, type RawBuilder } from 'kysely';

/** Of the run, or of the lease that stands for one, that a statement calls by this name. */
export function rankIn(table?: string): RawBuilder<unknown> {
  const of = table === undefined ? '' : `${table}.`;
  return sql.raw(`(${of}run_at at time zone 'UTC') - ${of}priority * interval '1 minute'`);
}
