-- Runs that end give their locks back after their row is deleted. Before it, PostgreSQL locks each row for the trigger, and writes
-- that to its log, ahead of the condition that nearly no run meets: what has no locks paid for them.
drop trigger release_run_locks on carillon.run;

create trigger release_run_locks after delete on carillon.run
  for each row when (old.holds is not null)
  execute function carillon.release_run_locks();

-- It may change the new row.
create trigger keep_run_locks before update on carillon.run
  for each row when (old.holds is not null)
  execute function carillon.release_run_locks();
