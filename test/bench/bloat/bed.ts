// On what are bloat and long snapshots measured? On a PostgreSQL of its own with fsync, its statements counted by
// pg_stat_statements, two replicas, and work that one statement at a time puts into the table: half of it for one
// tenant, the rest for nineteen others.
import { setTimeout as rest } from 'node:timers/promises';
import pg from 'pg';
import { Cluster } from '../../chaos/cluster.js';
import { DatabaseServer } from '../../chaos/database-server.js';
import { Witness } from '../../chaos/witness.js';
import { made } from '../failover/bed.js';

const TENANTS = 20;
const FEED_MS = 100;
const REPLICAS = ['r1', 'r2'];

export interface BloatBed {
  readonly databaseUrl: string;
  readonly witness: Witness;
}

export async function withBloatBed<Result>(work: (bed: BloatBed) => Promise<Result>): Promise<Result> {
  const server = await DatabaseServer.start({
    shared_preload_libraries: 'pg_stat_statements',
    'pg_stat_statements.max': '1000',
    max_wal_size: '4GB',
  });
  const databaseUrl = await server.createDatabase('bench');
  const witness = new Witness(databaseUrl);
  const cluster = new Cluster({ databaseUrl, folder: server.folder, witness, direct: true });
  try {
    for (const name of REPLICAS) await cluster.addSeat(name);
    await cluster.untilSettled();
    const [seat] = cluster.seats;
    if (seat === undefined) throw new Error('expected a seat, got none');
    for (let number = 0; number < TENANTS; number += 1)
      await made(cluster, seat, { path: '/api/v1/tenants', body: { name: `tenant-${number}` } });
    await witness.ask('create extension pg_stat_statements');
    return await work({ databaseUrl, witness });
  } finally {
    cluster.close();
    await witness.close();
    await server.remove();
  }
}

/** How much to put in next, told how much has been put in and how much of that is done. */
export type Appetite = (fed: number, done: number) => number;

/** So many are always waiting. */
export const keepWaiting =
  (backlog: number): Appetite =>
  (fed, done) =>
    backlog - (fed - done);

/** So many a second, whether they are done or not. */
export function steadily(perSecond: number): Appetite {
  const startMs = performance.now();
  return (fed) => ((performance.now() - startMs) * perSecond) / 1_000 - fed;
}

export class Feeder {
  #stopped = false;
  #ended: Promise<void> | null = null;

  readonly #bed: BloatBed;
  readonly #appetite: Appetite;

  constructor(bed: BloatBed, appetite: Appetite) {
    this.#bed = bed;
    this.#appetite = appetite;
  }

  start(): void {
    this.#ended = this.#feed();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ended;
  }

  async #feed(): Promise<void> {
    const client = new pg.Client({ connectionString: this.#bed.databaseUrl });
    await client.connect();
    const before = await doneRuns(this.#bed);
    let fed = 0;
    try {
      while (!this.#stopped) {
        const startMs = performance.now();
        const count = Math.floor(Math.min(10_000, this.#appetite(fed, (await doneRuns(this.#bed)) - before)));
        if (count > 0) {
          await client.query(ADD_WORK, [count]);
          fed += count;
          await client.query(HINT);
        }
        await rest(Math.max(1, FEED_MS - (performance.now() - startMs)));
      }
    } finally {
      await client.end();
    }
  }
}

const ADD_WORK = `
  insert into carillon.run (id, tenant_id, slot, job_type, payload, run_at)
  select carillon.new_id(), t.id, t.slot, 'noop', '{}', clock_timestamp()
    from generate_series(1, $1::int) n
    join carillon.tenant t on t.name = 'tenant-' || case when n % 2 = 0 then 0 else 1 + (n / 2) % ${TENANTS - 1} end`;

/** As a request that enqueues over the API would wake the owners. */
const HINT = `select carillon.hint(name) from carillon.tenant`;

/** Runs that have ended, by the server's counters, which are up to a second late. */
export async function doneRuns({ witness }: BloatBed): Promise<number> {
  const { done } = await witness.askOne<{ done: number }>(
    `select n_tup_del::float8 as done from pg_stat_user_tables where schemaname = 'carillon' and relname = 'run'`,
  );
  return done;
}
