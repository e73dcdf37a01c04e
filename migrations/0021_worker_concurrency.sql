-- What a worker can do at once is its concurrency; a slot is a share of the tenants. A replica of the previous version writes and reads
-- slots and knows nothing of concurrency, so a trigger keeps the two equal until a later migration drops slots and the trigger.
alter table carillon.worker add column concurrency integer check (concurrency > 0);
update carillon.worker set concurrency = slots;

create function carillon.equate_concurrency() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  new.concurrency := coalesce(new.concurrency, new.slots);
  new.slots := new.concurrency;
  return new;
end
$$;
create trigger equate_concurrency before insert on carillon.worker
  for each row execute function carillon.equate_concurrency();

alter table carillon.worker
  alter column concurrency set not null,
  alter column slots drop not null;
