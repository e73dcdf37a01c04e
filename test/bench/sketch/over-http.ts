// What does a run at least cost that is asked for over HTTP, one by one? Node's own server and the bare protocol behind it:
// a request is parsed, inserted and claimed by one statement, answered once that has committed, and then done. Requests
// that come while a statement is under way form the next group; ends wait for company. No keys are checked, no bodies, no
// limits, so this is a limit and nothing to be used.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Agent, request } from 'undici';
import type { Payload, Peer, PeerWorker } from '../peers/peer.js';
import { completeAll, takeIn, type NewRun } from './protocol.js';
import { sketch, nextRun } from './sketch.js';

/** As many as ask at once in the benchmark, and as Carillon's ends wait for company. */
const CONNECTIONS = 32;
const LINGER_MS = 20;
const TAKING_AT_ONCE = 2;

export const sketchOverHttp: Peer = {
  name: 'bare SQL over HTTP',

  migrate: (url) => sketch.migrate(url),

  async openQueue(url) {
    const queue = await sketch.openQueue(url);
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    const agent = new Agent({ connections: CONNECTIONS, keepAliveTimeout: 60_000 });
    let ports: readonly number[] = [];
    let turn = 0;
    const ask = async (payload: Payload): Promise<void> => {
      const { statusCode, body } = await request(`http://127.0.0.1:${ports[turn++ % ports.length]}/runs`, {
        method: 'POST',
        dispatcher: agent,
        headers: { authorization: `Bearer ${randomUUID()}`, 'content-type': 'application/json' },
        body: JSON.stringify({ jobType: 'noop', payload }),
      });
      await body.text();
      if (statusCode !== 201) throw new Error(`expected 201, got ${statusCode}`);
    };
    const look = async (): Promise<void> => {
      const { rows } = await pool.query<{ port: number }>(
        'select /* bench */ port from replica where port > 0 order by number',
      );
      ports = rows.map(({ port }) => port);
    };
    return {
      ...queue,
      // The workers of the round before are gone, with their ports.
      add: (payload) =>
        ports.length > 0
          ? ask(payload).catch(async () => {
              await look();
              await ask(payload);
            })
          : look().then(() => ask(payload)),
      close: async () => {
        await Promise.all([queue.close(), pool.end(), agent.close()]);
      },
    };
  },

  async openWorker(url, { seat }): Promise<PeerWorker> {
    const pool = new pg.Pool({ connectionString: url, max: TAKING_AT_ONCE + 1 });
    let onRun: (payload: Payload) => void = () => undefined;
    const service = new Service(pool, { replica: seat + 1, onRun: (payload) => onRun(payload) });
    const server = createServer((asked, answer) => void service.serve(asked, answer));
    server.keepAliveTimeout = 60_000;
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    await pool.query(
      'update /* bench */ replica set port = case when number = $1 then $2 else 0 end where number >= $1',
      [seat + 1, port],
    );
    return {
      begin: async (call) => {
        onRun = call;
      },
      halt: async () => {
        server.close();
      },
    };
  },
};

interface Asked {
  readonly run: NewRun;
  readonly answer: ServerResponse;
}

class Service {
  readonly #pool: pg.Pool;
  readonly #replica: number;
  readonly #onRun: (payload: Payload) => void;
  #asked: Asked[] = [];
  #taking = 0;
  #claims: string[] = [];
  #done: string[] = [];
  #isEnding = false;

  constructor(pool: pg.Pool, { replica, onRun }: { replica: number; onRun: (payload: Payload) => void }) {
    this.#pool = pool;
    this.#replica = replica;
    this.#onRun = onRun;
  }

  async serve(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of asked) parts.push(part as Buffer); // no encoding is set
    const { payload } = JSON.parse(Buffer.concat(parts).toString()) as { payload: Payload }; // the queue's own
    this.#asked.push({ run: nextRun(payload), answer });
    if (this.#taking < TAKING_AT_ONCE) await this.#take();
  }

  async #take(): Promise<void> {
    this.#taking += 1;
    while (this.#asked.length > 0) {
      const group = this.#asked;
      this.#asked = [];
      const claimId = randomUUID();
      const runs = group.map(({ run }) => run);
      await takeIn(this.#pool, { claimId, replica: this.#replica, runs });
      this.#claims.push(claimId);
      for (const { run, answer } of group) {
        answer.writeHead(201, { 'content-type': 'application/json' });
        answer.end(JSON.stringify({ id: run.id, payload: run.payload }));
        this.#onRun(run.payload as Payload); // the queue's own
        this.#done.push(run.id);
      }
      if (!this.#isEnding) void this.#end();
    }
    this.#taking -= 1;
  }

  async #end(): Promise<void> {
    this.#isEnding = true;
    await rest(LINGER_MS);
    this.#isEnding = false;
    const claimIds = this.#claims.splice(0);
    const runIds = this.#done.splice(0);
    await completeAll(this.#pool, { claimIds, replica: this.#replica, runIds });
  }
}
