// Which versions of a schedule do living processes define? Each process notes its own, again and again. The version that
// came last counts. One that was gone for a minute and comes back, as after a roll-back, has come last.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { TenantId, TenantName } from '#kernel/ids.js';

/** A process notes its versions three times as often. */
const ALIVE_SECONDS = 60;

export interface Definition {
  name: string;
  digest: string;
}

/**
 * Waits for changes of these schedules that are under way, which ask what is defined with the schedule in hand: each
 * change either finds what is noted next, or has been written when the process that notes it looks at the schedule.
 */
export async function awaitChanges(tx: Tx, tenantId: TenantId, names: readonly string[]): Promise<void> {
  await sql`
    select from carillon.schedule where tenant_id = ${tenantId} and name = any(${[...names]}::text[])
     order by name
       for key share`.execute(tx);
}

/** In the order of the names, so that two processes that note the same ones don't wait for each other in a circle. */
export async function noteDefinitions(
  tx: Tx,
  tenantId: TenantId,
  definitions: readonly Definition[],
): Promise<void> {
  const sorted = definitions.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  await sql`
    insert into carillon.schedule_definition as d (tenant_id, name, digest)
    select ${tenantId}, n.name, n.digest
      from unnest(${sorted.map(({ name }) => name)}::text[], ${sorted.map(({ digest }) => digest)}::text[]) as n (name, digest)
    on conflict (tenant_id, name, digest) do update
       set seen_at = clock_timestamp(),
           since = case when d.seen_at > clock_timestamp() - make_interval(secs => ${ALIVE_SECONDS}) then d.since else clock_timestamp() end`.execute(
    tx,
  );
}

/** The version of each schedule that counts. */
export async function latestDefinitions(
  db: Database,
  tenantId: TenantId,
  names: readonly string[],
): Promise<Definition[]> {
  const { rows } = await sql<Definition>`
    select distinct on (name) name, digest
      from carillon.schedule_definition
     where tenant_id = ${tenantId} and name = any(${[...names]}::text[])
       and seen_at > clock_timestamp() - make_interval(secs => ${ALIVE_SECONDS})
     order by name, since desc, digest`.execute(db);
  return rows;
}

/** Whether this is the version that counts. */
export async function isLatest(
  db: Database,
  tenantId: TenantId,
  { name, digest }: Definition,
): Promise<boolean> {
  const [latest] = await latestDefinitions(db, tenantId, [name]);
  return latest?.digest === digest;
}

/** Whether a living process defines the schedule. */
export async function isDefined(
  db: Database,
  { tenantId, name }: { tenantId: TenantId; name: string },
): Promise<boolean> {
  return (await latestDefinitions(db, tenantId, [name])).length > 0;
}

/** The schedules from code that start these job types, but for those of these names. */
export async function otherCodeSchedules(
  db: Database,
  {
    tenantId,
    jobTypes,
    names,
  }: { tenantId: TenantId; jobTypes: readonly string[]; names: readonly string[] },
): Promise<string[]> {
  const rows = await db
    .selectFrom('schedule')
    .select('name')
    .where('tenant_id', '=', tenantId)
    // As a literal, or the partial index would not serve.
    .where('source', '=', sql.lit<'code'>('code'))
    .where('removed_from_code_at', 'is', null)
    .where('job_type', 'in', [...jobTypes])
    .$if(names.length > 0, (query) => query.where('name', 'not in', [...names]))
    .execute();
  return rows.map(({ name }) => name);
}

/**
 * The tenants that have schedules from code of these job types. A tenant's own job type of such a name is another one,
 * which its own workers define.
 */
export async function sharedCodeSchedules(
  db: Database,
  jobTypes: readonly string[],
): Promise<{ tenant: TenantName; jobType: string }[]> {
  const { rows } = await sql<{ tenant: TenantName; jobType: string }>`
    select distinct t.name as tenant, s.job_type as "jobType"
      from carillon.schedule s
      join carillon.tenant t on t.id = s.tenant_id
     where s.source = 'code' and s.removed_from_code_at is null and s.job_type = any(${[...jobTypes]}::text[])
       and not exists (select 1 from carillon.job_type j where j.tenant_id = s.tenant_id and j.name = s.job_type)`.execute(
    db,
  );
  return rows;
}

/** Versions that no process has defined for a day. */
export async function forgetDefinitions(db: Database, tenantId: TenantId): Promise<void> {
  await db
    .deleteFrom('schedule_definition')
    .where('tenant_id', '=', tenantId)
    .where('seen_at', '<', sql<Date>`clock_timestamp() - interval '1 day'`)
    .execute();
}
