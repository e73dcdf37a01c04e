// Since when has the server run without ending everybody's sessions at once? Its start is only half of the answer: when
// one of its processes is killed, PostgreSQL ends all sessions, recovers and goes on, and its start time stays what it
// was. Recovery from a crash always resets the statistics, and everybody may read when they were reset; a plain restart
// keeps them. (If an operator resets those of the background writer by hand, a crash within the second after it looks like
// a hang: the failover waits for `deadAfterMs`, and no replica is declared dead wrongly.)
import { sql } from 'kysely';

export const serverStartedAt = sql<Date>`greatest(pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time())`;
