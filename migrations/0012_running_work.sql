-- Keys for workers alone, the worker that a finished run was done by, and job types that are paused, each for a reason.

alter table carillon.api_key drop constraint api_key_role_check;
alter table carillon.api_key add constraint api_key_role_check check (role in ('admin', 'tenant-admin', 'worker'));

alter table carillon.run_history add column worker uuid;

-- Of the run, so that a word that comes too late can be told of in its log.
alter table carillon.ended_lease add column attempt integer;

-- A tenant's own only; with an instant nothing of it starts.
alter table carillon.job_type add column paused_at timestamptz;
alter table carillon.job_type add column pause_reason text;
