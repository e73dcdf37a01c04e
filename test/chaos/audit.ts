// Who wrote when? Triggers that the harness adds to the database note the transaction of every write that a fence must
// have allowed, and, as a term begins or a replica is declared dead, the snapshot of that moment. A write of an old
// term, or of a dead replica, that its successor's snapshot does not show got past its fence: no clock is needed to
// prove it. The notes are written in the transaction they tell of, so what was rolled back is not in them.
import { LOCK_NOTES } from './locks/lock-notes.js';
import { USER_QUEUE } from './limited/tenants.js';
import type { Witness } from './witness.js';

const TABLES = `
  create schema chaos;
  grant usage on schema chaos to public;
  alter default privileges in schema chaos grant all on tables to public;
  create table chaos.term (term bigint, replica integer, xid xid8, snapshot pg_snapshot, at timestamptz);
  create table chaos.leader_write (term bigint, what text, xid xid8, at timestamptz);
  create table chaos.death (replica integer, xid xid8, snapshot pg_snapshot, at timestamptz);
  create table chaos.replica_write (replica integer, what text, xid xid8, at timestamptz);
  create table chaos.lease_end (run uuid primary key, xid xid8);
  create table chaos.completion (run uuid, attempt integer, outcome text, xid xid8);
  create table chaos.queue_job (run uuid, xid xid8);
  create table chaos.effect (run uuid, attempt integer, xid xid8 default pg_current_xact_id());
  create table chaos.slot_change (seq bigint generated always as identity, slot smallint, was integer, owner integer, epoch bigint, at timestamptz);`;

/** After the row is locked and updated, so that the snapshot shows all that the lock had to wait for. */
const SNAPSHOTS = `
  create function chaos.note_term() returns trigger language plpgsql as $$
    begin
      insert into chaos.term values (new.term, new.replica, pg_current_xact_id(), pg_current_snapshot(), clock_timestamp());
      return null;
    end $$;
  create trigger chaos_term after update of term on carillon.leadership for each row execute function chaos.note_term();

  create function chaos.note_death() returns trigger language plpgsql as $$
    begin
      insert into chaos.death values (new.number, pg_current_xact_id(), pg_current_snapshot(), clock_timestamp());
      return null;
    end $$;
  create trigger chaos_death after update of state on carillon.replica for each row
    when (new.state = 'dead' and old.state <> 'dead') execute function chaos.note_death();`;

const WRITES = `
  create function chaos.note_leader_write() returns trigger language plpgsql as $$
    begin
      insert into chaos.leader_write select distinct term, tg_table_name, pg_current_xact_id(), clock_timestamp() from written;
      return null;
    end $$;
  -- What a request asked for has the term of its time, but is no write of a leader.
  create function chaos.note_fires() returns trigger language plpgsql as $$
    begin
      insert into chaos.leader_write
      select distinct term, tg_table_name, pg_current_xact_id(), clock_timestamp() from written
       where reason is distinct from 'requested' and reason is distinct from 'backfill';
      return null;
    end $$;
  create trigger chaos_write after insert on carillon.fire referencing new table as written
    for each statement execute function chaos.note_fires();
  create trigger chaos_write after insert on carillon.ring referencing new table as written
    for each statement execute function chaos.note_leader_write();

  create function chaos.note_event() returns trigger language plpgsql as $$
    begin
      if new.type in ('replica-dead', 'slots-moved', 'claims-revoked') then
        insert into chaos.leader_write values (new.term, new.type, pg_current_xact_id(), clock_timestamp());
      elsif new.type = 'slots-handed-over' then
        insert into chaos.replica_write values (new.replica, new.type, pg_current_xact_id(), clock_timestamp());
      end if;
      return null;
    end $$;
  create trigger chaos_event after insert on carillon.cluster_event for each row execute function chaos.note_event();

  create function chaos.note_claim() returns trigger language plpgsql as $$
    begin
      insert into chaos.replica_write select distinct replica, 'claim', pg_current_xact_id(), clock_timestamp() from written;
      return null;
    end $$;
  create trigger chaos_claim after insert on carillon.claim referencing new table as written
    for each statement execute function chaos.note_claim();

  create function chaos.note_history() returns trigger language plpgsql as $$
    begin
      insert into chaos.replica_write
      select distinct replica, 'completion', pg_current_xact_id(), clock_timestamp() from written
       where replica is not null and error ->> 'name' is distinct from 'Poison'
         and not exists (select 1 from chaos.lease_end l where l.run = written.id and l.xid = pg_current_xact_id());
      insert into chaos.completion select id, attempt, outcome, pg_current_xact_id() from written;
      return null;
    end $$;
  create trigger chaos_history after insert on carillon.run_history referencing new table as written
    for each statement execute function chaos.note_history();`;

/**
 * Work outside survives the replica that put it there: the session that deletes the lease may complete the run, at any
 * time.
 */
const LEASE_ENDS = `
  create function chaos.note_lease_end() returns trigger language plpgsql as $$
    begin
      insert into chaos.lease_end values (old.run_id, pg_current_xact_id())
      on conflict (run) do update set xid = excluded.xid;
      return null;
    end $$;
  create trigger chaos_lease_end after delete on carillon.lease for each row execute function chaos.note_lease_end();`;

const SLOTS = `
  create function chaos.note_slots() returns trigger language plpgsql as $$
    begin
      insert into chaos.slot_change (slot, was, owner, epoch, at)
      select n.slot, o.owner, n.owner, n.epoch, clock_timestamp()
        from written n join former o using (slot) where n.owner is distinct from o.owner;
      return null;
    end $$;
  create trigger chaos_slots after update on carillon.slot_owner referencing old table as former new table as written
    for each statement execute function chaos.note_slots();`;

/** What a session of a replica does to runs, even if it is dead by now: named by the session, as the leader finds it. */
const RUNS = `
  create function chaos.note_runs() returns trigger language plpgsql as $$
    declare
      replica integer := substring(current_setting('application_name') from '^carillon:(\\d+)$')::integer;
    begin
      if replica is not null and exists (select 1 from former) then
        insert into chaos.replica_write values (replica, 'run ' || lower(tg_op), pg_current_xact_id(), clock_timestamp());
      end if;
      return null;
    end $$;
  create trigger chaos_run_update after update on carillon.run referencing old table as former
    for each statement execute function chaos.note_runs();
  create trigger chaos_run_delete after delete on carillon.run referencing old table as former
    for each statement execute function chaos.note_runs();`;

/** In which transaction did a run get into the user's own queue? What pg-boss puts in again counts no more. */
const QUEUE_JOBS = `
  create function chaos.note_queue_job() returns trigger language plpgsql as $$
    begin
      insert into chaos.queue_job values (new.id, pg_current_xact_id());
      return null;
    end $$;
  create trigger chaos_queue_job after insert on pgboss.job for each row
    when (new.name = '${USER_QUEUE}' and new.retry_count = 0) execute function chaos.note_queue_job();`;

/** Once the tables are there; before anything happens that must be proved. */
export async function installAudit(witness: Witness): Promise<void> {
  for (const statements of [TABLES, SNAPSHOTS, WRITES, LEASE_ENDS, SLOTS, RUNS, QUEUE_JOBS, LOCK_NOTES])
    await witness.ask(statements);
}

export interface LateWrite {
  /** The term, or the replica. */
  readonly author: number;
  readonly what: string;
  readonly xid: string;
  readonly at: Date;
  /** The later term, or null for a death. */
  readonly endedBy: number | null;
  readonly endedAt: Date;
}

/** Leader writes that the beginning of a later term does not show. */
export const LATE_LEADER_WRITES = `
  select w.term::int as author, w.what, w.xid::text, w.at, t.term::int as "endedBy", t.at as "endedAt"
    from chaos.leader_write w
    join chaos.term t on t.term > w.term and not pg_visible_in_snapshot(w.xid, t.snapshot)
   order by w.at, t.term`;

/** Writes of a replica that its death does not show. */
export const LATE_REPLICA_WRITES = `
  select w.replica as author, w.what, w.xid::text, w.at, null as "endedBy", d.at as "endedAt"
    from chaos.replica_write w
    join chaos.death d on d.replica = w.replica and not pg_visible_in_snapshot(w.xid, d.snapshot)
   order by w.at`;
