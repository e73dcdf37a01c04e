-- Locks of a schedule. A run has them written into its row when it is made, beside those that its job type names: no later
-- change of the schedule lets it start without.

alter table carillon.schedule add column locks jsonb;

-- What the run needs besides the locks of its job type: [{"name", "mode", "permits"}]. Null for nearly all.
alter table carillon.run add column locks jsonb;

-- So that a run that is brought back needs them, too.
alter table carillon.run_history add column locks jsonb;
