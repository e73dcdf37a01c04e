// How fast can the protocol be at all? A claim is one statement: the fence, a lateral walk of the index for each lane,
// and one row that names all that was taken. A completion is another: it deletes that row, and only if it was still
// there moves the runs to the history. Everything that a product has to do besides is missing here, so this is a limit
// and nothing to be used.
import pg from 'pg';

export interface Lane {
  readonly slot: number;
  readonly tenantId: string;
}

export interface Taken {
  readonly id: string;
  readonly payload: object;
}

const CLAIM = {
  name: 'claim',
  text: `
    with fence as materialized (
      select 1 from replica where number = $1 and state = 'active' for share),
    picked as materialized (
      select run.*
        from unnest($2::smallint[], $3::uuid[]) as lane (slot, tenant_id)
       cross join lateral (
         select id, tenant_id, job_type, payload, attempt, max_attempts, run_at
           from run
          where slot = lane.slot and tenant_id = lane.tenant_id and run_at <= now()
          order by priority desc, run_at, id
          limit $4) run
       where exists (select 1 from fence)),
    noted as (
      insert into claim (id, replica, run_ids)
      select $5, $1, array_agg(id) from picked having count(*) > 0)
    select * from picked`,
};

const COMPLETE = {
  name: 'complete',
  text: `
    with held as (
      delete from claim where id = any($1::uuid[]) and replica = $2 returning 1),
    done as (
      delete from run where id = any($3::uuid[]) and exists (select 1 from held) returning run.*)
    insert into run_history
    select done.*, 0, now(), now(), $2::integer, null, null from done`,
};

/** Inserts and claims at once. */
const TAKE_IN = {
  name: 'take in',
  text: `
    with fence as materialized (
      select 1 from replica where number = $1 and state = 'active' for share),
    new as (
      insert into run (id, tenant_id, slot, job_type, payload, run_at)
      select u.id, u.tenant_id, u.slot, 'noop', u.payload::jsonb, now()
        from unnest($3::uuid[], $4::uuid[], $5::smallint[], $6::text[]) as u (id, tenant_id, slot, payload)
       where exists (select 1 from fence)
      returning id)
    insert into claim (id, replica, run_ids)
    select $2, $1, array_agg(id) from new having count(*) > 0`,
};

const ENQUEUE = {
  name: 'enqueue',
  text: `
    insert into run (id, tenant_id, slot, job_type, payload, run_at)
    select u.id, u.tenant_id, u.slot, 'noop', u.payload::jsonb, now()
      from unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[]) as u (id, tenant_id, slot, payload)`,
};

/** A hash of the whole table instead of index probes makes it ten times slower. */
export const SESSION = 'set enable_seqscan = off; set plan_cache_mode = force_generic_plan';

export interface ClaimRequest {
  readonly claimId: string;
  readonly replica: number;
  readonly lanes: readonly Lane[];
  readonly perLane: number;
}

export async function claim(client: pg.ClientBase, request: ClaimRequest): Promise<Taken[]> {
  const { claimId, replica, lanes, perLane } = request;
  const values = [
    replica,
    lanes.map(({ slot }) => slot),
    lanes.map(({ tenantId }) => tenantId),
    perLane,
    claimId,
  ];
  return (await client.query<Taken>({ ...CLAIM, values })).rows;
}

export async function complete(
  client: pg.ClientBase,
  { claimId, replica, runs }: { claimId: string; replica: number; runs: readonly Taken[] },
): Promise<void> {
  await completeAll(client, { claimIds: [claimId], replica, runIds: runs.map(({ id }) => id) });
}

export async function completeAll(
  db: pg.ClientBase | pg.Pool,
  { claimIds, replica, runIds }: { claimIds: readonly string[]; replica: number; runIds: readonly string[] },
): Promise<void> {
  await db.query({ ...COMPLETE, values: [claimIds, replica, runIds] });
}

export interface NewRun extends Lane {
  readonly id: string;
  readonly payload: object;
}

export async function enqueue(db: pg.ClientBase | pg.Pool, runs: readonly NewRun[]): Promise<void> {
  await db.query({ ...ENQUEUE, values: columnsOf(runs) });
}

export async function takeIn(
  pool: pg.Pool,
  { claimId, replica, runs }: { claimId: string; replica: number; runs: readonly NewRun[] },
): Promise<void> {
  await pool.query({ ...TAKE_IN, values: [replica, claimId, ...columnsOf(runs)] });
}

function columnsOf(runs: readonly NewRun[]): unknown[] {
  return [
    runs.map(({ id }) => id),
    runs.map(({ tenantId }) => tenantId),
    runs.map(({ slot }) => slot),
    runs.map(({ payload }) => JSON.stringify(payload)),
  ];
}
