// What does the database know of locks? Triggers note each change of a hold and of a place in line, in the transaction that
// makes it, and what the locks protect is a table: of each of its rows it is known which transaction wrote it, and which
// others had been committed by then.
import type { ClientBase, QueryResultRow } from 'pg';
import type { LockMode } from './lock-log.js';

/** Part of the audit (../audit.ts), in whose schema it is. */
export const LOCK_NOTES = `
  create table chaos.lock_write (
    seq bigint generated always as identity, lock text, token bigint, holder text,
    xid xid8 default pg_current_xact_id(), snapshot pg_snapshot default pg_current_snapshot());
  create table chaos.lock_hold_note (
    seq bigint generated always as identity, op text, lock text, token bigint, holder text, mode text, permits integer,
    expires_at timestamptz, xid xid8 default pg_current_xact_id(), at timestamptz default clock_timestamp());
  create table chaos.lock_wait_note (
    seq bigint generated always as identity, op text, lock text, ticket bigint, holder text, mode text, permits integer,
    replica integer, until timestamptz, xid xid8 default pg_current_xact_id(), at timestamptz default clock_timestamp());

  create function chaos.note_lock_hold() returns trigger language plpgsql as $$
    declare
      h carillon.lock_hold;
    begin
      if tg_op = 'DELETE' then h := old; else h := new; end if;
      -- A hold that goes on with another attempt has a new token, and the former one is over.
      if tg_op = 'UPDATE' and old.token <> new.token then
        insert into chaos.lock_hold_note (op, lock, token, holder, mode, permits, expires_at)
        values ('delete', old.name, old.token, old.holder, old.mode, old.permits, old.expires_at);
      end if;
      insert into chaos.lock_hold_note (op, lock, token, holder, mode, permits, expires_at)
      values (lower(tg_op), h.name, h.token, h.holder, h.mode, h.permits, h.expires_at);
      return null;
    end $$;
  create trigger chaos_lock_hold after insert or update or delete on carillon.lock_hold
    for each row execute function chaos.note_lock_hold();

  create function chaos.note_lock_wait() returns trigger language plpgsql as $$
    declare
      w carillon.lock_wait;
    begin
      if tg_op = 'DELETE' then w := old; else w := new; end if;
      insert into chaos.lock_wait_note (op, lock, ticket, holder, mode, permits, replica, until)
      values (lower(tg_op), w.name, w.ticket, w.holder, w.mode, w.permits, w.replica, w.until);
      return null;
    end $$;
  create trigger chaos_lock_wait after insert or update or delete on carillon.lock_wait
    for each row execute function chaos.note_lock_wait();`;

interface Note {
  readonly seq: number;
  readonly op: 'insert' | 'update' | 'delete';
  readonly lock: string;
  readonly holder: string;
  readonly mode: LockMode;
  readonly permits: number;
  readonly xid: string;
  readonly atMs: number;
}

export interface HoldNote extends Note {
  readonly token: number;
  readonly expiresAtMs: number;
}

export interface WaitNote extends Note {
  readonly ticket: number;
  /** Which answers its caller; null between two requests. */
  readonly replica: number | null;
  readonly untilMs: number;
}

/** A row that was committed. */
export interface LockWrite {
  readonly lock: string;
  readonly token: number;
  readonly holder: string;
  readonly xid: string;
  /** As PostgreSQL writes it: xmin:xmax:xip,xip… */
  readonly snapshot: string;
}

/** A replica that has left or was declared dead: whom it answered has another place elsewhere, or none. */
export interface GoneReplica {
  readonly replica: number;
  readonly atMs: number;
}

export interface LockTables {
  /** Each in the order of its notes. */
  readonly holdNotes: readonly HoldNote[];
  readonly waitNotes: readonly WaitNote[];
  readonly writes: readonly LockWrite[];
  readonly gone: readonly GoneReplica[];
}

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;

/** Inside one transaction that sees one instant. */
export async function readLockTables(client: ClientBase): Promise<LockTables> {
  const rows = async <Row extends QueryResultRow>(text: string): Promise<Row[]> =>
    (await client.query<Row>(text)).rows;
  return {
    holdNotes: await rows<HoldNote>(
      `select seq::int, op, lock, token::int, holder, mode, permits, xid::text, ${ms('expires_at')} as "expiresAtMs", ${ms('at')} as "atMs"
         from chaos.lock_hold_note order by seq`,
    ),
    waitNotes: await rows<WaitNote>(
      `select seq::int, op, lock, ticket::int, holder, mode, permits, replica, xid::text, ${ms('until')} as "untilMs", ${ms('at')} as "atMs"
         from chaos.lock_wait_note order by seq`,
    ),
    writes: await rows<LockWrite>(
      'select lock, token::int, holder, xid::text, snapshot::text from chaos.lock_write order by seq',
    ),
    gone: await rows<GoneReplica>(
      `select replica, ${ms('at')} as "atMs" from carillon.cluster_event where type in ('replica-dead', 'replica-left')`,
    ),
  };
}
