-- What schedules said before, and who changed them.

alter table carillon.schedule
  -- Who made the revision `changed_in`. Another revision was made by a version, or by hand, that says nothing about it.
  add column changed_by text,
  add column changed_in bigint;

-- One row for each revision that was replaced, or that the schedule had when it was deleted. Kept as long as the ledger,
-- and no more than a thousand for each schedule.
create table carillon.schedule_revision (
  schedule_id uuid not null,
  revision bigint not null,
  tenant_id uuid not null,
  -- The schedule's row but for its payload, as it was when the revision ended.
  said jsonb not null,
  -- Null where the next revision has the same one.
  payload jsonb,
  ended_at timestamptz not null default clock_timestamp(),
  is_deleted boolean not null default false,
  deleted_by text,
  primary key (schedule_id, revision)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
create index schedule_revision_ended on carillon.schedule_revision (ended_at);

-- By a trigger, so that a replica of the version before and a statement by hand keep them as well. Planning sets no
-- revision, and so costs nothing here.
create function carillon.note_revision() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into carillon.schedule_revision (schedule_id, revision, tenant_id, said, payload)
  values (old.id, old.revision, old.tenant_id, to_jsonb(old) - 'payload',
          case when old.payload is distinct from new.payload then old.payload end)
  on conflict do nothing;
  delete from carillon.schedule_revision where schedule_id = old.id and revision <= old.revision - 1000;
  return new;
end
$$;
create trigger note_revision before update of revision on carillon.schedule
  for each row when (old.revision is distinct from new.revision) execute function carillon.note_revision();

create function carillon.note_deletion() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into carillon.schedule_revision (schedule_id, revision, tenant_id, said, payload, is_deleted)
  values (old.id, old.revision, old.tenant_id, to_jsonb(old) - 'payload', old.payload, true)
  on conflict do nothing;
  return null;
end
$$;
create trigger note_deletion after delete on carillon.schedule
  for each row execute function carillon.note_deletion();
