-- Who is alive, who leads, who owns which slot. Rows here decide; locks, leases and the ring only propose.

-- Asked first: "if not exists" wants the right to create schemas even where an administrator has made this one ahead.
do $$
begin
  if to_regnamespace('carillon') is null then
    create schema carillon;
  end if;
end $$;

-- What was fixed when this database was installed. Checked by every replica as it starts.
create table carillon.installation (
  id smallint primary key default 1 check (id = 1),
  slot_count integer not null,
  token_secret bytea not null,
  installed_at timestamptz not null default clock_timestamp()
);
insert into carillon.installation (slot_count, token_secret)
values (1024, decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

-- Fence 1: one row. Every leader transaction locks it FOR SHARE by (term, holder) before it writes.
create table carillon.leadership (
  id smallint primary key check (id = 1),
  term bigint not null,
  holder uuid,
  replica integer,
  elected_at timestamptz
) with (fillfactor = 50);
insert into carillon.leadership (id, term) values (1, 0);

-- Fence 2: one row per incarnation. The number is never used again.
create table carillon.replica (
  number integer generated always as identity primary key,
  incarnation uuid not null unique,
  name text not null,
  host text not null,
  pid integer not null,
  url text,
  version text not null,
  roles text[] not null,
  weight smallint not null default 1 check (weight >= 0),
  -- Among those that may lead, the highest that is healthy does.
  preference smallint not null default 0,
  state text not null default 'active' check (state in ('active', 'draining', 'dead', 'left')),
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  died_term bigint,
  died_reason text
);
create index replica_alive on carillon.replica (number) where state in ('active', 'draining');

-- Beats live apart from the replica row, so that they never wait for a lock on it. No index on what
-- changes and a half-empty page keep every beat a heap-only update.
create table carillon.heartbeat (
  replica integer primary key,
  beat bigint not null default 0,
  beat_at timestamptz not null default clock_timestamp(),
  server_started_at timestamptz not null default pg_postmaster_start_time()
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

create table carillon.ring (
  version bigint generated always as identity primary key,
  term bigint not null,
  members jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);

create table carillon.slot_owner (
  slot smallint primary key,
  owner integer,
  epoch bigint not null default 0,
  target integer,
  target_since timestamptz
) with (fillfactor = 50);
insert into carillon.slot_owner (slot) select generate_series(0, 1023);

create table carillon.cluster_event (
  seq bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  type text not null,
  term bigint,
  replica integer,
  data jsonb not null default '{}'
);
create index cluster_event_of_replica on carillon.cluster_event (replica, type);
create index cluster_event_at on carillon.cluster_event (at);
