// How are contestants asked for one run at a time, each as its users would? Carillon over REST or by its client, in the
// caller's transaction; peers by their clients. Each run tells how long it waited: from the instant at which it was asked
// for to the first line of its handler.
import { Agent, request } from 'undici';
import { ADMIN_KEY } from '../../support/replica-fork.js';
import { until } from '../../support/until.js';
import { payloadOf } from '../peers/peer.js';
import { ROLL } from '../peers/roll.js';
import { openClient, type Client } from '../stand/client.js';
import type { BenchServer } from '../stand/server.js';
import { Carillon, TENANTS, WAITING_JOB } from './carillon.js';
import { PeerContestant } from './peer-contestant.js';

export interface Singles {
  readonly name: string;
  readonly databaseUrl: string;
  readonly pids: () => readonly number[];
  /** Has so many processes, which take what comes. */
  staff(processes: number): Promise<void>;
  dismiss(): Promise<void>;
  ask(number: number, askedAtMs: number): Promise<unknown>;
  /** Nothing waits, and nothing is under way. */
  isDone(): Promise<boolean>;
  /** How long those waited that have been asked for since it was last called, which are so many; forgets them. */
  waits(count: number): Promise<number[]>;
  /** Puts so many no-ops in, by one call. */
  load(runs: number): Promise<unknown>;
  close(): Promise<void>;
}

const CONNECTIONS = 32;
const CLIENT_CONNECTIONS = 10;

/** Asks each replica in turn, as a load balancer does; or the one that serves the tenant, as a client does that follows. */
export async function carillonByRest(
  server: BenchServer,
  database: string,
  { isToOwner = false } = {},
): Promise<Singles> {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase(database) });
  const agent = new Agent({ connections: CONNECTIONS, keepAliveTimeout: 60_000 });
  let owners: ReadonlyMap<string, string> = new Map();
  const ask = async (number: number, askedAtMs: number): Promise<void> => {
    const replica = owners.get(tenantOf(number)) ?? replicaOf(carillon, number);
    const url = `${replica}/api/v1/tenants/${tenantOf(number)}/runs`;
    const { statusCode, body } = await request(url, {
      method: 'POST',
      dispatcher: agent,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ jobType: WAITING_JOB, payload: payloadOf(number, askedAtMs) }),
    });
    const text = await body.text();
    if (statusCode !== 201) throw new Error(`expected 201, got ${statusCode}: ${text}`);
  };
  return {
    ...singlesOf(carillon),
    name: isToOwner ? 'Carillon at the owner' : 'Carillon',
    staff: async (processes) => {
      await carillon.staff(processes);
      if (isToOwner) owners = await carillon.owners();
    },
    ask,
    close: () => closeAll(agent, carillon),
  };
}

export async function carillonByClient(server: BenchServer, database: string): Promise<Singles> {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase(database) });
  const client: Client = await openClient(carillon.databaseUrl, CLIENT_CONNECTIONS);
  return {
    ...singlesOf(carillon),
    name: 'Carillon client',
    ask: (number, askedAtMs) => client.addWaiting(number, { tenant: tenantOf(number), askedAtMs }),
    close: () => closeAll(client, carillon),
  };
}

export async function peerByClient(server: BenchServer, database: string, name: string): Promise<Singles> {
  const peer = ROLL.find((each) => each.name === name);
  if (peer === undefined) throw new Error(`expected a peer, got ${name}`);
  const contestant = await PeerContestant.open(peer, await server.createDatabase(database));
  return {
    name,
    databaseUrl: contestant.databaseUrl,
    pids: contestant.pids,
    staff: async (processes) => {
      await contestant.staff(processes);
      await contestant.begin();
    },
    dismiss: () => contestant.dismiss(),
    ask: (number, askedAtMs) => contestant.queue.add(payloadOf(number, askedAtMs)),
    isDone: () => contestant.queue.isEmpty(),
    waits: (count) => contestant.waitsOf(count),
    load: (runs) => contestant.fill(runs),
    close: () => contestant.close(),
  };
}

function tenantOf(number: number): string {
  return `tenant-${(number * 37) % TENANTS}`;
}

function replicaOf({ urls }: Carillon, number: number): string {
  return urls[number % urls.length] ?? '';
}

function singlesOf(carillon: Carillon): Omit<Singles, 'name' | 'ask' | 'close'> {
  let loads = 0;
  return {
    databaseUrl: carillon.databaseUrl,
    pids: carillon.pids,
    staff: (processes) => carillon.staff(processes),
    dismiss: () => carillon.dismiss(),
    isDone: () => carillon.isDone(),
    waits: async (count) => {
      const found = await until('all have started', async () => {
        const waits = await carillon.waitsMs();
        return waits.length >= count && waits;
      });
      await carillon.clear();
      return found;
    },
    load: (runs) => {
      const number = loads++;
      const items = Array.from({ length: runs }, (_, each) => ({
        jobType: 'noop',
        payload: payloadOf(each),
      }));
      return carillon.ask(
        `/tenants/${tenantOf(number)}/runs:batchCreate`,
        { runs: items },
        replicaOf(carillon, number),
      );
    },
  };
}

async function closeAll(...closed: readonly { close(): Promise<unknown> }[]): Promise<void> {
  for (const each of closed) await each.close();
}
