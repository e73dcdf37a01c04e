// Schedules that wait for the end of their own last run: what became of it, and when they are due next.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { ScheduleId } from '#kernel/ids.js';
import type { ChainFacts } from './decisions/next-in-chain.js';

export interface WaitingChain extends ChainFacts {
  id: ScheduleId;
  revision: number;
}

interface ChainRow extends Omit<WaitingChain, 'last'> {
  now: Date;
  dueAt: Date | null;
  decidedAt: Date;
  endedAt: Date | null;
  hasRun: boolean;
}

/** Of these schedules, those that have no next due time. */
export async function readChains(
  db: Database,
  ids: readonly ScheduleId[],
): Promise<{ now: Date; chains: WaitingChain[] }> {
  const { rows } = await sql<ChainRow>`
    select s.id, s.revision, now() as now, c.delay_seconds as "delaySeconds", c.start_at as "startAt", c.end_at as "endAt",
           exists (select from carillon.run r where r.schedule_id = s.id and r.due_at is not null) as "isRunning",
           exists (select from carillon.schedule_gap g where g.schedule_id = s.id) as "isLeftBehind",
           greatest(s.spec_since, s.failures_since, case when s.state = 'paused' then s.paused_until end) as "notBefore",
           s.state = 'paused' and s.paused_until is null as "isPausedWithoutEnd",
           last.due_at as "dueAt", last.planned_at as "decidedAt", last.run_id is not null as "hasRun",
           (select max(h.finished_at) from carillon.run_history h where h.schedule_id = s.id and h.id = last.run_id) as "endedAt"
      from carillon.schedule s
      join carillon.schedule_following c on c.schedule_id = s.id and c.followed_id = s.id
      left join lateral (select due_at, planned_at, run_id from carillon.fire f where f.schedule_id = s.id order by f.due_at desc limit 1) last on true
     where s.id = any(${[...ids]}::uuid[]) and s.next_due_at is null`.execute(db);
  return { now: rows[0]?.now ?? new Date(0), chains: rows.map(chainOf) };
}

function chainOf({ dueAt, decidedAt, endedAt, hasRun, ...row }: ChainRow): WaitingChain {
  return { ...row, last: dueAt === null ? null : { dueAt, decidedAt, endedAt, hasRun } };
}

/** Schedules that wait, though no run of them is unfinished: what should have told so was lost. */
export async function findQuiet(db: Database, limit: number): Promise<ScheduleId[]> {
  const { rows } = await sql<{ id: ScheduleId }>`
    select s.id
      from carillon.schedule_following c
      join carillon.schedule s on s.id = c.schedule_id
     where c.followed_id = c.schedule_id and s.next_due_at is null and not (s.state = 'paused' and s.paused_until is null)
       and coalesce(c.end_at > now(), true)
       and not exists (select from carillon.run r where r.schedule_id = s.id and r.due_at is not null)
     limit ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}

/** Each only if no request has changed the schedule meanwhile; such a change leaves a note of its own. */
export async function setNextInChain(
  tx: Tx,
  next: readonly { id: ScheduleId; revision: number; dueAt: Date }[],
): Promise<void> {
  if (next.length === 0) return;
  await sql`
    update carillon.schedule s set next_due_at = n.due_at
      from unnest(${next.map(({ id }) => id)}::uuid[], ${next.map(({ revision }) => revision)}::bigint[], ${next.map(({ dueAt }) => dueAt)}::timestamptz[]) as n (id, revision, due_at)
     where s.id = n.id and s.revision = n.revision and s.next_due_at is null`.execute(tx);
}
