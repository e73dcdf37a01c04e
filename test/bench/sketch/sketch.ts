// How is the sketch measured beside the peers? As one of them, with a thousand tenants whose lanes are all polled in
// turn: each process serves its share of the slots, over a few connections that share no lane.
import { hash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as rest } from 'node:timers/promises';
import pg from 'pg';
import type { Payload, Peer, PeerWorker, Seat } from '../peers/peer.js';
import { claim, complete, enqueue, SESSION, type Lane, type NewRun } from './protocol.js';
import { SCHEMA } from './schema.js';

const TENANTS = 1_000;
const SLOTS = 64;
const RUNS_PER_CLAIM = 500;
const LANES_PER_CLAIM = 50;
/** In a process alone; two share them. */
const CONNECTIONS = 4;
const IDLE_MS = 5;

/** Known to every process without asking: ids that are made from their number. */
const LANES: readonly Lane[] = Array.from({ length: TENANTS }, (_, number) => ({
  slot: number % SLOTS,
  tenantId: hash('md5', `tenant ${number}`).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
}));

export const sketch: Peer = {
  name: 'bare SQL',

  async migrate(url) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(SCHEMA);
    await client.query(`insert into replica select number, 'active' from generate_series(1, 16) number`);
    await client.end();
  },

  async openQueue(url) {
    const pool = new pg.Pool({ connectionString: url, max: 4 });
    return {
      add: (payload) => enqueue(pool, [nextRun(payload)]),
      addMany: (payloads) => enqueue(pool, payloads.map(nextRun)),
      isEmpty: async () =>
        (await pool.query('select /* bench */ 1 from run order by id limit 1')).rowCount === 0,
      clear: () => pool.query('truncate /* bench */ run, run_history, claim'),
      close: () => pool.end(),
    };
  },

  async openWorker(url, { seat, seats }): Promise<PeerWorker> {
    const connections = Math.max(1, Math.round(CONNECTIONS / seats));
    const clients: pg.Client[] = [];
    for (let number = 0; number < connections; number += 1) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(SESSION);
      clients.push(client);
    }
    let isHalted = true;
    let serving: Promise<unknown> = Promise.resolve();
    return {
      begin: async (onRun) => {
        isHalted = false;
        serving = Promise.all(
          clients.map((client, number) => {
            const share = { seat: seat * connections + number, seats: seats * connections };
            return serve(client, { share, replica: seat + 1, onRun, isHalted: () => isHalted });
          }),
        );
      },
      halt: async () => {
        isHalted = true;
        await serving;
      },
    };
  },
};

let nextLane = 0;

/** Each in the next lane. */
export function nextRun(payload: Payload): NewRun {
  return { id: timeOrderedId(), ...laneAt(nextLane++), payload };
}

interface Service {
  readonly share: Seat;
  readonly replica: number;
  readonly onRun: (payload: Payload) => void;
  readonly isHalted: () => boolean;
}

/** Polls its lanes in turn; rests only after a whole round without work. */
async function serve(client: pg.Client, { share, replica, onRun, isHalted }: Service): Promise<void> {
  const lanes = LANES.filter(({ slot }) => slot % share.seats === share.seat);
  const atOnce = Math.min(lanes.length, LANES_PER_CLAIM);
  let position = 0;
  let idleLanes = 0;
  while (!isHalted()) {
    const chosen = Array.from({ length: atOnce }, (_, offset) => laneAt(position + offset, lanes));
    position += atOnce;
    const claimId = randomUUID();
    const perLane = Math.ceil(RUNS_PER_CLAIM / atOnce);
    const runs = await claim(client, { claimId, replica, lanes: chosen, perLane });
    idleLanes = runs.length > 0 ? 0 : idleLanes + atOnce;
    if (runs.length > 0) {
      await Promise.all(runs.map(async ({ payload }) => onRun(payload as Payload))); // nothing else is put in
      await complete(client, { claimId, replica, runs });
    } else if (idleLanes >= lanes.length) await rest(IDLE_MS);
  }
}

function laneAt(position: number, lanes = LANES): Lane {
  const lane = lanes[position % lanes.length];
  if (lane === undefined) throw new Error('expected a lane, got none');
  return lane;
}

/** A UUIDv7 (RFC 9562): neighbours in time are neighbours in the index. */
function timeOrderedId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
