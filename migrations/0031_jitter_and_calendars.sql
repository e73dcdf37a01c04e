-- Runs of a schedule may start later than they are due, by a distance of the schedule's own, so that not all of them start at
-- one instant.

alter table carillon.schedule
  -- Null for none: then runs start when they are due.
  add column jitter_seconds integer check (jitter_seconds > 0),
  -- The schedule's own distance, which follows from its id and the above.
  add column jitter_ms integer check (jitter_ms >= 0);

-- The distance with which the due time was planned, null for none: how late a run started is counted from there. A leader of
-- the version before plans without one, and an owner of the version before counts from the due time.
alter table carillon.fire add column jitter_ms integer;
