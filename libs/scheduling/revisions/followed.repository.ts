// The due times that a schedule ought to have from successes of another one. The history of runs says which, and what is
// noted, left behind or decided says which of them it has.
import { sql } from 'kysely';
import type { Tx } from '#database/connection.js';
import { asId, type ScheduleId } from '#kernel/ids.js';
import { CLOCKS_DIFFER_MS, firstIdOf, RUNS_LOOKED_AT } from './audit.repository.js';
import { unanswered } from './decisions/unanswered.js';
import type { Span } from './decisions/walk.js';

interface Followed {
  id: ScheduleId;
  delayMs: number;
  from: Date;
  to: Date;
}

/** Of the present spec alone: the ones before it are not known. The transaction sees one instant. */
export async function readUnanswered(
  tx: Tx,
  { scheduleId, from, to }: Span & { scheduleId: ScheduleId },
): Promise<Date[]> {
  const followed = await readFollowed(tx, { scheduleId, from, to });
  if (followed === undefined) return [];
  const asked = await readAsked(tx, followed);
  const last = asked.at(-1);
  if (last === undefined) return [];
  // As many in one instant are placed in as many milliseconds.
  const known = { from, to: new Date(last.getTime() + asked.length + 1) };
  return unanswered(asked, await readKnown(tx, { scheduleId, ...known }));
}

/** What ended within seconds of the change that asked to follow it may have come before it, and the last behind the end. */
async function readFollowed(
  tx: Tx,
  { scheduleId, from, to }: Span & { scheduleId: ScheduleId },
): Promise<Followed | undefined> {
  const { rows } = await sql<Followed>`
    select f.followed_id as id, f.delay_seconds * 1000::float8 as "delayMs",
           greatest(${from}::timestamptz, f.start_at, coalesce(s.spec_since, s.created_at) + f.delay_seconds * interval '1 s' + interval '30 s') as from,
           least(${to}::timestamptz, f.end_at - interval '1 s') as to
      from carillon.schedule_following f join carillon.schedule s on s.id = f.schedule_id
     where f.schedule_id = ${scheduleId} and f.followed_id <> f.schedule_id`.execute(tx);
  return rows[0];
}

async function readAsked(tx: Tx, { id, delayMs, from, to }: Followed): Promise<Date[]> {
  const plannedFrom = new Date(from.getTime() - delayMs - CLOCKS_DIFFER_MS);
  const plannedTo = new Date(to.getTime() - delayMs + CLOCKS_DIFFER_MS);
  const rows = await tx
    .selectFrom('run_history')
    .select('finished_at as finishedAt')
    .where('schedule_id', '=', id)
    .where('id', '>=', asId.run(firstIdOf(plannedFrom)))
    .where('id', '<', asId.run(firstIdOf(plannedTo)))
    .where('due_at', 'is not', null)
    .where('outcome', '=', 'succeeded')
    .where('finished_at', '>=', new Date(from.getTime() - delayMs))
    .where('finished_at', '<', new Date(to.getTime() - delayMs))
    .orderBy('finished_at')
    .limit(RUNS_LOOKED_AT)
    .execute();
  return rows.map(({ finishedAt }) => new Date(finishedAt.getTime() + delayMs));
}

/** Two notes of one instant are two until they are placed. */
async function readKnown(
  tx: Tx,
  { scheduleId, from, to }: Span & { scheduleId: ScheduleId },
): Promise<Date[]> {
  const { rows } = await sql<{ dueAt: Date }>`
    select due_at as "dueAt"
      from (select due_at from carillon.due_note where schedule_id = ${scheduleId} and not is_placed
             union all
            (select due_at from carillon.due_note where schedule_id = ${scheduleId} and is_placed
              union
             select due_at from carillon.fire where schedule_id = ${scheduleId}
              union
             select listed::timestamptz from carillon.schedule_gap g cross join lateral jsonb_array_elements_text(g.spec -> 'instants') listed
              where g.schedule_id = ${scheduleId})) known
     where due_at >= ${from} and due_at < ${to}`.execute(tx);
  return rows.map(({ dueAt }) => dueAt);
}
