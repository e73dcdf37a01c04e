// On what is failover measured? On a PostgreSQL of its own that keeps what it promises (fsync), three replicas without
// anything between them and it, schedules that are due every second, and one connection of the harness that looks at
// the tables every few milliseconds.
import { setTimeout as rest } from 'node:timers/promises';
import pg from 'pg';
import { Cluster, type Seat } from '../../chaos/cluster.js';
import { DatabaseServer } from '../../chaos/database-server.js';
import { Witness } from '../../chaos/witness.js';
import { tenantName } from '../../chaos/workload.js';

/** So many that every replica owns some of them. */
const TENANTS = 40;
const REPLICAS = ['r1', 'r2', 'r3'];
/** Before each strike: nothing of the one before may be under way. */
const CALM_MS = 1_500;
const LOOK_MS = 5;

export interface Bed {
  readonly server: DatabaseServer;
  readonly databaseUrl: string;
  readonly cluster: Cluster;
  readonly witness: Witness;
}

export async function withBed<Result>(work: (bed: Bed) => Promise<Result>): Promise<Result> {
  const server = await DatabaseServer.start();
  const databaseUrl = await server.createDatabase('bench');
  const witness = new Witness(databaseUrl);
  const cluster = new Cluster({ databaseUrl, folder: server.folder, witness, direct: true });
  try {
    for (const name of REPLICAS) await cluster.addSeat(name);
    const bed = { server, databaseUrl, cluster, witness };
    await addSchedules(bed);
    return await work(bed);
  } finally {
    cluster.close();
    await witness.close();
    await server.remove();
  }
}

async function addSchedules({ cluster }: Bed): Promise<void> {
  const [seat] = cluster.seats;
  if (seat === undefined) throw new Error('expected a seat, got none');
  for (let number = 0; number < TENANTS; number += 1) {
    await made(cluster, seat, { path: '/api/v1/tenants', body: { name: tenantName(number) } });
    const schedule = {
      name: `tick-${number}`,
      spec: { everySeconds: 1 },
      jobType: 'record',
      payload: { number },
    };
    await made(cluster, seat, { path: `/api/v1/tenants/${tenantName(number)}/schedules`, body: schedule });
  }
}

/** Posts it, and answers with what was made. */
export async function made<Made>(
  cluster: Cluster,
  seat: Seat,
  { path, body }: { path: string; body: object },
): Promise<Made> {
  const answer = await cluster.call(seat, path, body);
  if (answer.status !== 201)
    throw new Error(`expected 201 from ${path}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body as Made; // by the API's description
}

/** Every replica serves its share, and has done so for a while. */
export async function calm({ cluster }: Bed): Promise<void> {
  await cluster.untilSettled();
  await rest(CALM_MS);
}

export interface Roles {
  readonly leader: Seat;
  readonly others: readonly Seat[];
}

export async function rolesOf({ cluster }: Bed): Promise<Roles> {
  const leader = await cluster.leader();
  if (leader === null) throw new Error('expected somebody to lead, got nobody');
  return { leader, others: cluster.seats.filter((seat) => seat !== leader) };
}

/** Looks again and again at one row until it says yes to everything; resolves with how long each took. */
export async function timeUntil<Key extends string>(
  { databaseUrl }: Bed,
  {
    sinceMs,
    query,
    values,
    limitMs,
  }: { sinceMs: number; query: Record<Key, string>; values: unknown[]; limitMs: number },
): Promise<Partial<Record<Key, number>>> {
  const keys = Object.keys(query) as Key[]; // its own keys, as the type says
  const text = `select ${keys.map((key) => `(${query[key]}) as "${key}"`).join(', ')}`;
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  const times: Partial<Record<Key, number>> = {};
  try {
    while (performance.now() < sinceMs + limitMs && keys.some((key) => times[key] === undefined)) {
      const [row] = (await client.query<Record<Key, boolean>>(text, values)).rows;
      const nowMs = performance.now();
      for (const key of keys) if (row?.[key] === true) times[key] ??= nowMs - sinceMs;
      await rest(LOOK_MS);
    }
    return times;
  } finally {
    await client.end().catch(() => undefined);
  }
}
