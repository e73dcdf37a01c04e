// On what data do plans go wrong? On a table that is large and of which one tenant has most; and on one that the
// statistics know nothing of, or only how it was when it was empty, which is the usual state of a queue.
import { sql } from 'kysely';
import type { Database } from '#database/connection.js';
import {
  asId,
  type ClaimId,
  type ReplicaNumber,
  type RunId,
  type ScheduleId,
  type Slot,
  type TenantId,
} from '#kernel/ids.js';

const RUNS = 300_000;
const TENANTS = 200;
/** Of ten runs, those of the first tenant. */
const FIRST_HAS = 8;

export interface SkewedTables {
  readonly replica: ReplicaNumber;
  /** The first one has most runs. */
  readonly tenants: readonly { id: TenantId; slot: Slot }[];
  /** Some runs of the first tenant, all of them due. */
  readonly runs: readonly RunId[];
  readonly ended: readonly RunId[];
  readonly claims: readonly ClaimId[];
  readonly schedules: readonly { id: ScheduleId; dueAt: Date }[];
}

/** Fills a migrated database that is otherwise empty; nothing vacuums or analyses it behind the test's back. */
export async function fillTables(db: Database): Promise<void> {
  for (const table of [
    'run',
    'claim',
    'schedule',
    'unique_key',
    'lease',
    'fire_default',
    'run_history_default',
    'tenant',
  ])
    await sql`alter table ${sql.table(`carillon.${table}`)} set (autovacuum_enabled = off)`.execute(db);
  await sql`
    insert into carillon.replica (incarnation, name, host, pid, version, roles)
    select gen_random_uuid(), 'r' || n, 'h', n, 'test', '{worker}' from generate_series(1, 3) n`.execute(db);
  await sql`update carillon.slot_owner set owner = 1 + slot % 3`.execute(db);
  await sql`
    insert into carillon.tenant (id, name, display_name, slot)
    select gen_random_uuid(), 't-' || n, 't', n * 3 % 1023 from generate_series(0, ${TENANTS - 1}::int) n`.execute(
    db,
  );
  await sql`
    insert into carillon.run (id, tenant_id, slot, job_type, payload, priority, run_at, schedule_id, due_at, deadline, cancel_requested_at)
    select carillon.new_id(), t.id, t.slot, 'job-' || n % 3, '{"some": "payload"}', n % 5 / 4, clock_timestamp() - n * interval '1 ms',
           case when n % 10 = 0 then gen_random_uuid() end, case when n % 10 = 0 then clock_timestamp() end,
           case when n % 50 = 0 then clock_timestamp() + interval '1 day' end, case when n % 30000 = 0 then clock_timestamp() end
      from generate_series(1, ${RUNS}::int) n
      join carillon.tenant t on t.name = 't-' || case when n % 10 < ${FIRST_HAS} then 0 else n % ${TENANTS} end`.execute(
    db,
  );
  await sql`
    insert into carillon.run_history (id, tenant_id, slot, job_type, payload, priority, run_at, attempt, created_at, outcome,
                                      replica, started_at, finished_at, schedule_id)
    select carillon.new_id(), t.id, t.slot, 'job-' || n % 3, '{}', 0, clock_timestamp(), 1, clock_timestamp(),
           case when n % 100 = 0 then 'failed' else 'succeeded' end, 1, clock_timestamp(), clock_timestamp() - n * interval '1 s',
           case when n % 10 = 0 then gen_random_uuid() end
      from generate_series(1, ${RUNS}::int) n
      join carillon.tenant t on t.name = 't-' || case when n % 10 < ${FIRST_HAS} then 0 else n % ${TENANTS} end`.execute(
    db,
  );
  await fillTheRest(db);
}

async function fillTheRest(db: Database): Promise<void> {
  await sql`
    insert into carillon.claim (id, replica, run_ids)
    select gen_random_uuid(), 1 + part % 3, array_agg(id)
      from (select id, (row_number() over (order by id)) / 100 as part from carillon.run limit 10000) r group by part`.execute(
    db,
  );
  await sql`
    insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, next_due_at)
    select gen_random_uuid(), t.id, t.slot, 's-' || n, 'job-0', '{"kind": "every", "seconds": 60, "anchorAt": "2026-01-01T00:00:00.000Z"}',
           clock_timestamp() + (n - 500) * interval '1 s'
      from generate_series(1, 50000) n join carillon.tenant t on t.name = 't-' || case when n % 10 < ${FIRST_HAS} then 0 else n % ${TENANTS} end`.execute(
    db,
  );
  await sql`
    insert into carillon.fire (schedule_id, due_at, tenant_id, outcome, term)
    select s.id, s.next_due_at - n * interval '1 min', s.tenant_id, 'planned', 1 from carillon.schedule s cross join generate_series(1, 4) n`.execute(
    db,
  );
  await sql`
    insert into carillon.unique_key (tenant_id, key, run_id)
    select tenant_id, id::text, id from carillon.run limit 50000`.execute(db);
}

export async function describeTables(db: Database): Promise<SkewedTables> {
  const { rows: tenants } = await sql<{ id: TenantId; slot: Slot }>`
    select id, slot from carillon.tenant order by substr(name, 3)::int`.execute(db);
  const first = tenants[0]?.id ?? '';
  const ids = async (of: 'run' | 'run_history'): Promise<RunId[]> =>
    (
      await sql<{ id: RunId }>`
        select id from ${sql.table(`carillon.${of}`)} where tenant_id = ${first} order by id limit 500 offset 5000`.execute(
        db,
      )
    ).rows.map(({ id }) => id);
  const { rows: claims } = await sql<{ id: ClaimId }>`select id from carillon.claim limit 50`.execute(db);
  const { rows: schedules } = await sql<{ id: ScheduleId; dueAt: Date }>`
    select id, date_trunc('milliseconds', next_due_at) as "dueAt" from carillon.schedule limit 500`.execute(
    db,
  );
  return {
    replica: asId.replica(1),
    tenants,
    runs: await ids('run'),
    ended: await ids('run_history'),
    claims: claims.map(({ id }) => id),
    schedules,
  };
}

/** As after a restore: the server guesses by the size of the files. */
export async function forgetStatistics(db: Database): Promise<void> {
  await sql`delete from pg_statistic s using pg_class c where c.oid = s.starelid and c.relnamespace = 'carillon'::regnamespace`.execute(
    db,
  );
  await sql`update pg_class set reltuples = -1, relpages = 0, relallvisible = 0 where relnamespace = 'carillon'::regnamespace and relkind in ('r', 'p', 'i')`.execute(
    db,
  );
}

/** As if the statistics were taken from a queue that has just been emptied: many pages, and next to nothing in them. */
export async function pretendDrained(db: Database): Promise<void> {
  await sql`update pg_class set reltuples = 50 where oid in ('carillon.run'::regclass, 'carillon.claim'::regclass)`.execute(
    db,
  );
}
