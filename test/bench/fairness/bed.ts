// On what is fairness measured? On a PostgreSQL of its own with fsync and two replicas, with work that is put into the
// table by one statement, so that the way in does not shape what is measured.
import { setTimeout as rest } from 'node:timers/promises';
import { Cluster, type Seat } from '../../chaos/cluster.js';
import { DatabaseServer } from '../../chaos/database-server.js';
import { Witness } from '../../chaos/witness.js';
import { ADMIN_KEY } from '../../support/replica-fork.js';
import { until } from '../../support/until.js';
import { made } from '../failover/bed.js';

const DRAIN_LIMIT_MS = 300_000;

export interface FairnessBed {
  readonly cluster: Cluster;
  readonly witness: Witness;
  readonly seat: Seat;
  /** Wants a smaller measurement. */
  readonly isQuick: boolean;
}

export async function withFairnessBed<Result>(
  work: (bed: FairnessBed) => Promise<Result>,
  { isQuick = false }: { isQuick?: boolean } = {},
): Promise<Result> {
  const server = await DatabaseServer.start();
  const databaseUrl = await server.createDatabase('bench');
  const witness = new Witness(databaseUrl);
  const cluster = new Cluster({ databaseUrl, folder: server.folder, witness, direct: true });
  try {
    const seat = await cluster.addSeat('r1');
    await cluster.addSeat('r2');
    await cluster.untilSettled();
    return await work({ cluster, witness, seat, isQuick });
  } finally {
    cluster.close();
    await witness.close();
    await server.remove();
  }
}

export async function addTenant({ cluster, seat }: FairnessBed, name: string): Promise<string> {
  await made(cluster, seat, { path: '/api/v1/tenants', body: { name } });
  return name;
}

/** Tenants that are served by one replica: others would not meet. */
export async function addNeighbours(bed: FairnessBed, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  let owner: number | undefined;
  for (let number = 1; found.length < names.length; number += 1) {
    const name = await addTenant(bed, `${names[found.length]}-${number}`);
    const row = await bed.witness.askOne<{ owner: number }>(
      'select o.owner from carillon.tenant t join carillon.slot_owner o on o.slot = t.slot where t.name = $1',
      [name],
    );
    owner ??= row.owner;
    if (row.owner === owner) found.push(name);
  }
  return found;
}

/** Changes a tenant, or posts to one of its verbs. */
export async function change({ seat }: FairnessBed, path: string, body?: object): Promise<void> {
  const answer = await fetch(`${seat.process?.url ?? ''}/api/v1/tenants/${path}`, {
    method: body === undefined ? 'POST' : 'PATCH',
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      'content-type': 'application/json',
      'if-match': '*',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`expected 200 from ${path}, got ${answer.status}: ${await answer.text()}`);
}

export interface Work {
  tenants: readonly string[];
  /** Of each tenant. */
  count: number;
  jobType: string;
  payload?: object;
}

/** Puts so many runs into the table, due now. */
export async function addWork({ witness }: FairnessBed, work: Work): Promise<void> {
  await witness.ask(
    `insert into carillon.run (id, tenant_id, slot, job_type, payload, run_at)
     select uuidv7(), t.id, t.slot, $2, $3, clock_timestamp()
       from carillon.tenant t cross join generate_series(1, $4::int)
      where t.name = any($1)`,
    [work.tenants, work.jobType, JSON.stringify(work.payload ?? {}), work.count],
  );
}

/** Waits until nothing of these tenants is left to do. */
export async function drained({ witness }: FairnessBed, tenants: readonly string[]): Promise<void> {
  await until(
    'everything is done',
    async () => {
      const { left } = await witness.askOne<{ left: boolean }>(
        `select exists (select from carillon.run r join carillon.tenant t on t.id = r.tenant_id where t.name = any($1)) as left`,
        [tenants],
      );
      return !left;
    },
    DRAIN_LIMIT_MS,
  );
}

export interface Span {
  tenant: string;
  createdMs: number;
  startedMs: number;
  finishedMs: number;
}

/** What ran, of these tenants. */
export async function spansOf({ witness }: FairnessBed, tenants: readonly string[]): Promise<Span[]> {
  return witness.ask<Span>(
    `select t.name as tenant, extract(epoch from h.run_at)::float8 * 1000 as "createdMs",
            extract(epoch from h.started_at)::float8 * 1000 as "startedMs",
            extract(epoch from h.finished_at)::float8 * 1000 as "finishedMs"
       from carillon.run_history h join carillon.tenant t on t.id = h.tenant_id where t.name = any($1)`,
    [tenants],
  );
}

/** Asks for single runs one after the other over REST, and resolves with how long each waited for its start. */
export async function waitsOf(
  bed: FairnessBed,
  { tenant, count, everyMs }: { tenant: string; count: number; everyMs: number },
): Promise<number[]> {
  const { cluster, seat } = bed;
  const before = new Set((await spansOf(bed, [tenant])).map(({ startedMs }) => startedMs));
  for (let number = 0; number < count; number += 1) {
    await made(cluster, seat, { path: `/api/v1/tenants/${tenant}/runs`, body: { jobType: 'noop' } });
    await rest(everyMs);
  }
  await drained(bed, [tenant]);
  const spans = (await spansOf(bed, [tenant])).filter(({ startedMs }) => !before.has(startedMs));
  return spans.map(({ createdMs, startedMs }) => startedMs - createdMs);
}
