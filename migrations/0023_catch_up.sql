-- What a schedule makes up for after an outage, and what became of the due times that it did not make up for.

-- Null means the default.
alter table carillon.schedule add column catch_up jsonb;

-- The outcome of what could have run then. A leader of the version before leaves only missed ones behind.
alter table carillon.schedule_gap add column outcome text not null default 'missed' check (outcome in ('missed', 'coalesced'));
