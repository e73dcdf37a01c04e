-- How are tables kept small that change all the time? By settings of their own, since the server's are made for
-- tables that grow: they wait until a fifth of a table is dead, and the hot tables would be mostly dead by then.
--
-- Words used below:
--   vacuum_threshold, vacuum_scale_factor = 0: cleared after so many dead rows, however many rows wait beside them.
--   vacuum_cost_delay = 0: without pauses. These tables are small or mostly in memory, and a slow vacuum of a busy
--     table never catches up.
--   vacuum_index_cleanup = on: never skipped. By default a vacuum leaves dead index entries where they are while few pages
--     have any, and they gather at the heads of the lanes, which is where each claim begins.
--   vacuum_truncate = off: never gives pages at the table's end back to the system. That takes a lock that stops
--     every claim (and, on a standby, cancels readers), for space that is needed again a second later.
--   fillfactor: room in each page for the next version of a row, so that an update which changes no indexed column
--     touches no index (a heap-only update) and is cleared away without a vacuum.
-- The server's own pace (autovacuum_naptime, a minute by default) is the floor of all of this.

-- Each run is inserted, perhaps updated, and deleted. Hardly any update is heap-only (a retry changes run_at, which
-- is indexed), so its pages are filled up. Statistics matter little: no plan of its statements depends on them
-- (test/integration/plans-*.spec.ts); they are gathered seldom. Large payloads live in its TOAST table, which is emptied
-- at the same pace.
alter table carillon.run set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 200000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000,
  vacuum_index_cleanup = on, vacuum_truncate = off,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 10000, toast.autovacuum_vacuum_cost_delay = 0,
  toast.vacuum_truncate = off);

-- A row for each batch, which lives for as long as its runs. It is updated (shrunk, told of starts) in no indexed
-- column. The ids of a full batch are longer than a page allows and lie in the TOAST table, four or five rows a claim.
alter table carillon.claim set (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000,
  vacuum_index_cleanup = on, vacuum_truncate = off,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 2000, toast.autovacuum_vacuum_cost_delay = 0,
  toast.vacuum_truncate = off);

-- Offered, taken, beaten and ended; a beat changes expires_at, which is indexed, so room in the page would not help.
alter table carillon.lease set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000,
  vacuum_index_cleanup = on, vacuum_truncate = off);

-- A worker's beat changes an indexed instant, too; few rows, each of them changed every few seconds.
alter table carillon.worker set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0,
  vacuum_truncate = off);

-- One row for each replica, changed every second, and one for the leader: half-empty pages (migrations/0001) keep the
-- updates heap-only; the vacuum is for what an old snapshot has kept from being cleared on the way.
alter table carillon.heartbeat set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0,
  vacuum_truncate = off);
alter table carillon.leadership set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50, autovacuum_vacuum_cost_delay = 0,
  vacuum_truncate = off);

-- 1,024 rows, of which a failover changes many at once and a quiet day none.
alter table carillon.slot_owner set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0,
  vacuum_truncate = off);

-- A row for each limit, changed with each batch of starts, in no indexed column (half-empty pages: migrations/0010).
alter table carillon.rate_bucket set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0,
  vacuum_truncate = off);

-- Each plan moves next_due_at, which is the key of the planner's one range scan: dead entries gather exactly where it
-- begins. Of a million schedules a fifth would be two hundred thousand of them.
alter table carillon.schedule set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  vacuum_index_cleanup = on, vacuum_truncate = off);

-- A key comes and goes with its run, or is given to the next one.
alter table carillon.unique_key set (
  fillfactor = 90,
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  vacuum_truncate = off);

-- Cleared by the hour, oldest first: dead entries lie where the next clearing begins.
alter table carillon.idempotency_key set (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, vacuum_truncate = off);
alter table carillon.ended_lease set (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, vacuum_truncate = off);

-- Partitions have settings of their own and inherit none: a new day takes those of the default partition
-- (libs/database/partition.repository.ts), and the days that exist are given them here.
--   fire: written when planned and once more when decided, in no indexed column and seconds later: with room in the page
--     that is a heap-only update, and a day of the ledger has no bloat.
--   run_history, run_log: only ever added to, and dropped as whole days. Vacuum comes for their visibility maps and for
--     freezing, by the server's own measure, which is relative and right for tables that grow.
do $$
declare
  partition regclass;
begin
  for partition in select inhrelid::regclass from pg_catalog.pg_inherits where inhparent = 'carillon.fire'::regclass loop
    execute format('alter table %s set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off)', partition);
  end loop;
end
$$;
