-- What the runs of a schedule say of themselves, as other runs do: their queue, the key of their limits, their tags, their
-- priority, and how long each is worth while. Null means the default of a run.

alter table carillon.schedule
  add column queue text,
  add column concurrency_key text,
  add column tags text[],
  add column priority smallint,
  -- From when the run may start.
  add column deadline_seconds integer check (deadline_seconds > 0);
