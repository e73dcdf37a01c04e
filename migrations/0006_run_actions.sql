-- What can be asked of a run: to be cancelled, to end by its deadline, to be tried again.

-- Snoozing and trying again by hand go on counting attempts, for as long as anybody likes.
alter table carillon.run alter column attempt type integer;
alter table carillon.run_history alter column attempt type integer;

-- Both are short: hardly any run has a deadline, and a cancel request is gone within a second.
create index run_by_deadline on carillon.run (deadline) where deadline is not null;
create index run_to_cancel on carillon.run (cancel_requested_at) where cancel_requested_at is not null;

-- When those of the claim's runs began that have been running for a while; { run id: instant }. Short ones are
-- over before it would be written.
alter table carillon.claim add column started jsonb;
