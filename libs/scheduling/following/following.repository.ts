// The notes about schedules whose due times follow from runs (migrations/0034), and what is made of them.
import { sql } from 'kysely';
import type { Question } from '#cluster/lookout/lookout.repository.js';
import type { Database, Tx } from '#database/connection.js';
import type { ScheduleId, TenantId } from '#kernel/ids.js';

/** A little more than the planner looks ahead. */
const SOON = sql`interval '3 minutes'`;
/** More than a schedule of each second has in the longest look ahead. */
const AHEAD_MAX = 1_000;

export interface Note {
  id: number;
  scheduleId: ScheduleId;
  /** Null where the schedule waits for its own run. */
  dueAt: Date | null;
  startAt: Date | null;
  endAt: Date | null;
  /** False when the schedule has another spec by now, or is gone. */
  isOfItsSpec: boolean;
}

/** One of each tenant, then a second one of each, and so on: no tenant waits for another's ten thousand. */
export async function readNotes(db: Database, limit: number): Promise<Note[]> {
  const { rows } = await sql<Note>`
    select n.id::float8 as id, n.schedule_id as "scheduleId", n.due_at as "dueAt", f.start_at as "startAt", f.end_at as "endAt", f.id is not null as "isOfItsSpec"
      from (select *, row_number() over (partition by tenant_id order by id) as place
              from carillon.due_note where not is_placed
             order by place, id
             limit ${limit}) n
      left join carillon.schedule_following f on f.id = n.following_id
     order by n.place, n.id`.execute(db);
  return rows;
}

export interface Following {
  /** A schedule's due times follow from runs. */
  isAny: boolean;
  /** There are notes of which nothing was made yet. */
  isNoted: boolean;
  /** Notes that are placed are due soon, or have been, and the ledger does not have them yet. */
  isSoon: boolean;
}

export const isAnyFollowing: Question = sql`exists (select from carillon.schedule_following)`;

export async function lookForNotes(db: Database): Promise<Following> {
  const { rows } = await sql<Following>`
    select exists (select from carillon.schedule_following) as "isAny",
           exists (select from carillon.due_note where not is_placed) as "isNoted",
           exists (select from carillon.due_note where is_placed and due_at < now() + ${SOON}) as "isSoon"`.execute(
    db,
  );
  return rows[0] ?? { isAny: false, isNoted: false, isSoon: false };
}

/** In milliseconds: due times of these schedules from an instant on that are placed, left behind or decided. */
export async function takenSince(
  db: Database,
  asked: readonly { scheduleId: ScheduleId; since: Date }[],
): Promise<Map<ScheduleId, Set<number>>> {
  const taken = new Map(asked.map(({ scheduleId }) => [scheduleId, new Set<number>()]));
  if (asked.length === 0) return taken;
  const { rows } = await sql<{ scheduleId: ScheduleId; dueAt: Date }>`
    select a.id as "scheduleId", d.due_at as "dueAt"
      from unnest(${asked.map(({ scheduleId }) => scheduleId)}::uuid[], ${asked.map(({ since }) => since)}::timestamptz[]) as a (id, since)
     cross join lateral (
       select due_at from carillon.fire where schedule_id = a.id and due_at >= a.since
        union all
       select listed::timestamptz from carillon.schedule_gap g
        cross join lateral jsonb_array_elements_text(g.spec -> 'instants') listed
        where g.schedule_id = a.id and g.to_at > a.since
        union all
       select due_at from carillon.due_note where schedule_id = a.id and is_placed and due_at >= a.since) d`.execute(
    db,
  );
  for (const { scheduleId, dueAt } of rows) taken.get(scheduleId)?.add(dueAt.getTime());
  return taken;
}

/**
 * Locks these schedules before anything is written for them, as a request does that changes one and then deletes its notes:
 * with the notes locked first, each would wait for the other. Resolves with those that are free; the others are being
 * changed or planned in this moment.
 */
export async function holdFree(tx: Tx, ids: readonly ScheduleId[]): Promise<Set<ScheduleId>> {
  const { rows } = await sql<{ id: ScheduleId }>`
    select id from carillon.schedule where id = any(${[...ids]}::uuid[])
       for no key update skip locked`.execute(tx);
  return new Set(rows.map(({ id }) => id));
}

/** The caller holds the schedules, and writes in the leader's term: no two place notes of one schedule at a time. */
export async function placeNotes(
  tx: Tx,
  placed: readonly { id: number; scheduleId: ScheduleId; dueAt: Date }[],
): Promise<void> {
  if (placed.length === 0) return;
  await sql`
    with placed as (
      update carillon.due_note n set due_at = p.due_at, is_placed = true
        from unnest(${placed.map(({ id }) => id)}::bigint[], ${placed.map(({ dueAt }) => dueAt)}::timestamptz[]) as p (id, due_at)
       where n.id = p.id and not n.is_placed
      returning n.schedule_id, n.due_at),
    firsts as (select schedule_id as id, min(due_at) as due_at from placed group by schedule_id)
    update carillon.schedule s set next_due_at = p.due_at
      from firsts p
     where s.id = p.id and (s.next_due_at is null or s.next_due_at > p.due_at)`.execute(tx);
}

export async function forgetNotes(tx: Tx, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.deleteFrom('due_note').where('id', 'in', ids).execute();
}

/** Of a placed note `n`: the gap lists what it will decide, so a due time that came to be known later is not in it. */
const IN_GAP = sql`exists (select from carillon.schedule_gap g
                            where g.schedule_id = n.schedule_id and g.from_at <= n.due_at and g.to_at > n.due_at
                              and g.spec -> 'instants' @> to_jsonb(to_char(n.due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))`;

/**
 * Those that the ledger has, that are left behind for later, or whose schedule has another spec by now, or is gone. Passes
 * by notes that a request holds: it holds the schedule, too, which the leader must not wait for with notes in hand.
 */
export async function forgetDecided(tx: Tx): Promise<void> {
  await sql`
    delete from carillon.due_note
     where id in (select n.id from carillon.due_note n
                   where n.is_placed and n.due_at < now() + ${SOON}
                     and (exists (select from carillon.fire f where f.schedule_id = n.schedule_id and f.due_at = n.due_at)
                          or ${IN_GAP}
                          or not exists (select from carillon.schedule_following f where f.id = n.following_id))
                     for update of n skip locked)`.execute(tx);
}

/** Of placed notes `n` those that are due soon and have no decision. */
const UNDECIDED = sql`n.is_placed and n.due_at < now() + ${SOON}
                      and not exists (select from carillon.fire f where f.schedule_id = n.schedule_id and f.due_at = n.due_at)
                      and not ${IN_GAP}`;

/**
 * A note that was placed while the planner moved the schedule past it is the next due time again (I1). The schedules are
 * locked first, and those that are held are passed by: what a request that holds one writes about its past is seen
 * by the second statement alone.
 */
export async function goBackToUndecided(tx: Tx): Promise<boolean> {
  const { rows: passed } = await sql<{ id: ScheduleId }>`
    select s.id
      from carillon.schedule s
      join (select n.schedule_id, min(n.due_at) as due_at
              from carillon.due_note n join carillon.schedule_following f on f.id = n.following_id
             where ${UNDECIDED}
             group by n.schedule_id) n on n.schedule_id = s.id
     where s.next_due_at is null or s.next_due_at > n.due_at
       for no key update of s skip locked`.execute(tx);
  if (passed.length === 0) return false;
  await sql`
    update carillon.schedule s set next_due_at = n.due_at
      from (select n.schedule_id, min(n.due_at) as due_at
              from carillon.due_note n join carillon.schedule_following f on f.id = n.following_id
             where n.schedule_id = any(${passed.map(({ id }) => id)}::uuid[]) and ${UNDECIDED}
             group by n.schedule_id) n
     where s.id = n.schedule_id and (s.next_due_at is null or s.next_due_at > n.due_at)`.execute(tx);
  return true;
}

/** The due times of these schedules that are placed, the earliest first. Those of the past may be decided already. */
export async function placedOf(
  db: Database,
  schedules: readonly { id: ScheduleId; tenantId: TenantId }[],
): Promise<Map<ScheduleId, Date[]>> {
  const found = new Map<ScheduleId, Date[]>();
  if (schedules.length === 0) return found;
  const { rows } = await sql<{ scheduleId: ScheduleId; dueTimes: Date[] }>`
    select a.id as "scheduleId", d.due_times as "dueTimes"
      from unnest(${schedules.map(({ id }) => id)}::uuid[], ${schedules.map(({ tenantId }) => tenantId)}::uuid[]) as a (id, tenant_id)
     cross join lateral (
       select array_agg(due_at order by due_at) as due_times
         from (select n.due_at
                 from carillon.due_note n join carillon.schedule_following f on f.id = n.following_id
                where n.schedule_id = a.id and n.tenant_id = a.tenant_id and n.is_placed
                order by n.due_at
                limit ${AHEAD_MAX}) soonest) d
     where d.due_times is not null`.execute(db);
  for (const { scheduleId, dueTimes } of rows) found.set(scheduleId, dueTimes);
  return found;
}

/** Plans were taken back: the caller holds the schedule. */
export async function placeAgain(
  tx: Tx,
  { id: scheduleId, tenantId }: { id: ScheduleId; tenantId: TenantId },
  dueTimes: readonly Date[],
): Promise<void> {
  if (dueTimes.length === 0) return;
  await sql`
    with former as (
      delete from carillon.due_note
       where schedule_id = ${scheduleId} and tenant_id = ${tenantId} and is_placed and due_at = any(${[...dueTimes]}::timestamptz[]))
    insert into carillon.due_note (tenant_id, schedule_id, following_id, due_at, is_placed)
    select f.tenant_id, f.schedule_id, f.id, d.due_at, true
      from carillon.schedule_following f
     cross join unnest(${[...dueTimes]}::timestamptz[]) as d (due_at)
     where f.schedule_id = ${scheduleId} and f.tenant_id = ${tenantId}`.execute(tx);
}

/** A due time of the schedule gets no run: it waits for none any more. */
export async function noteForChain(
  tx: Tx,
  { id: scheduleId, tenantId }: { id: ScheduleId; tenantId: TenantId },
): Promise<void> {
  await sql`
    insert into carillon.due_note (tenant_id, schedule_id, following_id)
    select tenant_id, schedule_id, id from carillon.schedule_following
     where schedule_id = ${scheduleId} and tenant_id = ${tenantId} and followed_id = schedule_id`.execute(tx);
}
