// Since when has the server run without ending all sessions at once? Its start time is only half of the answer. When
// one of its processes is killed, PostgreSQL ends all sessions, recovers and goes on, and its start time stays the
// same. Recovery from a crash always resets the statistics, and every role may read when they were reset; a plain
// restart keeps them. (If an operator resets those of the background writer by hand, a crash within the second after it
// looks like a hang: the failover waits for `deadAfterMs`, and no replica is declared dead wrongly.)
import { sql } from 'kysely';

export const serverStartedAt = sql<Date>`greatest(pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time())`;
