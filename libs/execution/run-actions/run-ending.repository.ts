// Ends runs that no attempt ends. A run that no claim names and no lease has goes to the history at once. For a run
// that a claim names, or whose lease a worker has taken, only the request is recorded, and its holder does the rest. An
// offer that no worker has taken is withdrawn first.
import { sql } from 'kysely';
import type { Question } from '#cluster/lookout/lookout.repository.js';
import type { Database, Tx } from '#database/connection.js';
import { isDueTimeOf } from '#database/due-time-key.js';
import { asId, type RunId, type Slot, type TenantId } from '#kernel/ids.js';
import { STOPPED_BECAUSE } from '#execution/runs/attempt-stopped.js';
import { keptColumns } from '#execution/runs/run-columns.js';

/**
 * Locks the runs of these, of one tenant or of all, that no other transaction has locked. A transaction that has closed
 * an owner's gate waits for no run: another request may hold a run for long, and the claims of the owner for all of its
 * tenants would wait, too.
 */
export async function lockWithoutWaiting(
  tx: Tx,
  { tenantId, ids }: { tenantId: TenantId | null; ids: readonly RunId[] },
): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId }>`
    select id from carillon.run
     where id = any(${[...ids]}::uuid[]) and (tenant_id = ${tenantId} or ${tenantId}::uuid is null)
     order by id
       for update skip locked`.execute(tx);
  return rows.map((row) => row.id);
}

/** Records the request to cancel these runs; resolves with those that are not over yet. */
export async function requestCancel(
  tx: Database,
  { tenantId, ids }: { tenantId: TenantId; ids: readonly RunId[] },
): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId }>`
    update carillon.run
       set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())
     where id = any(${[...ids]}::uuid[]) and tenant_id = ${tenantId}
    returning id`.execute(tx);
  return rows.map((row) => row.id);
}

/** The runs that a request wants cancelled and that are not over yet: few, and not for long. */
export async function listCancelRequests(db: Database): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId }>`
    select id from carillon.run where cancel_requested_at is not null`.execute(db);
  return rows.map((row) => row.id);
}

/**
 * Runs to end that no claim names and no worker has: past their deadline, or asked to be cancelled. Two short walks
 * along partial indexes. A debounced run is named with the slot into which it may be let at any moment.
 */
/** A claimed one may make it true; its owner ends it soon. */
export const isAnyEndable: Question = sql`
  coalesce((select min(deadline) from carillon.run) <= statement_timestamp(), false)
  or (select min(cancel_requested_at) from carillon.run) is not null`;

export async function listEndable(db: Database, limit: number): Promise<{ id: RunId; slot: Slot }[]> {
  const { rows } = await sql<{ id: RunId; slot: Slot }>`
    with held as materialized (select unnest(run_ids) as id from carillon.claim),
    expired as (
      select id, slot from carillon.run r
       where deadline <= statement_timestamp() and not exists (select 1 from held where held.id = r.id) and not ${isTaken}
       order by deadline
       limit ${limit}),
    unwanted as (
      select id, slot from carillon.run r
       where cancel_requested_at is not null and not exists (select 1 from held where held.id = r.id) and not ${isTaken}
       order by cancel_requested_at
       limit ${limit})
    select id, slot from expired union select id, slot from unwanted`.execute(db);
  return rows.map(({ id, slot }) => ({ id, slot: slot < 0 ? asId.slot(-1 - slot) : slot }));
}

const isTaken = sql`exists (select 1 from carillon.lease l where l.run_id = r.id and l.state = 'taken')`;

/**
 * Withdraws the offers of these runs, so that they wait again as before: those of one tenant, or without a tenant those
 * whose runs are to end. A worker may take an offer while this request withdraws it: each locks the offer, so the second
 * of the two finds nothing. This statement skips an offer that is being taken: its worker may be waiting for the run,
 * which the caller has locked.
 */
export async function withdrawOffers(
  tx: Tx,
  { tenantId, ids }: { tenantId: TenantId | null; ids: readonly RunId[] },
): Promise<void> {
  await sql`
    with withdrawn as (
      delete from carillon.lease l using carillon.run r
       where l.id = any(array(select o.id from carillon.lease o
                               where o.run_id = any(${[...ids]}::uuid[]) and o.state = 'offered' for update skip locked))
         and r.id = l.run_id
         and (l.tenant_id = ${tenantId} or ${tenantId}::uuid is null and (r.cancel_requested_at is not null or r.deadline <= statement_timestamp()))
      returning l.run_id, l.attempt, l.run_at)
    update carillon.run r set run_at = w.run_at
      from withdrawn w
     where r.id = any(${[...ids]}::uuid[]) and r.id = w.run_id and r.attempt = w.attempt`.execute(tx);
}

const EXPIRED = JSON.stringify({
  name: 'AttemptStopped',
  message: `${STOPPED_BECAUSE.deadline} before it started`,
});

/**
 * Moves the runs of these that are to end, and that no claim names and no worker has, to the history, and decides their
 * due times. The owner may claim such a run while this request ends it. The caller holds off the claims of the slots'
 * owner and the slots themselves, so this statement sees a claim that has committed, and a later claim finds no run.
 */
export async function endUnclaimed(tx: Tx, ids: readonly RunId[]): Promise<RunId[]> {
  const { rows } = await sql<{ id: RunId }>`
    with held as materialized (select unnest(run_ids) as id from carillon.claim),
    gone as (
      delete from carillon.run r
       where r.id = any(${[...ids]}::uuid[])
         and (r.cancel_requested_at is not null or r.deadline <= statement_timestamp())
         and not exists (select 1 from held where held.id = r.id)
         and not exists (select 1 from carillon.lease l where l.run_id = r.id)
      returning *),
    moved as (
      insert into carillon.run_history (${keptColumns()}, attempt, outcome, finished_at, error)
      select ${keptColumns()}, attempt,
             case when cancel_requested_at is null then 'expired' else 'cancelled' end, clock_timestamp(),
             case when cancel_requested_at is null then ${EXPIRED}::jsonb end
        from gone
      returning id, schedule_id, due_at, outcome),
    decided as (
      update carillon.fire f
         set outcome = case when m.outcome = 'cancelled' then 'skipped' else 'missed' end, reason = m.outcome
        from moved m
       where ${isDueTimeOf('m')} and f.outcome = 'planned')
    select id from moved`.execute(tx);
  return rows.map((row) => row.id);
}
