// What is the cluster of a chaos test? Seats: each has a proxy of its own on the way to the database, and at most one
// process sitting on it. A process that is killed leaves its seat empty until another one takes it; the replica's
// number then is a new one, the name and the port stay.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ADMIN_KEY, forkReplica, type ReplicaFork } from '../support/replica-fork.js';
import { until } from '../support/until.js';
import { ProxyProcess, type Ports } from './proxy-process.js';
import type { Witness } from './witness.js';

const CLOCK_STEP = fileURLToPath(new URL('clock-step.mjs', import.meta.url));
const START_ATTEMPTS_MAX = 10;
const START_LIMIT_MS = 60_000;
const JOIN_LIMIT_MS = 30_000;
const REQUEST_LIMIT_MS = 5_000;
/** Below the ports that systems give out freely, so that no process takes the port of an empty seat. */
const PORTS = { min: 20_000, max: 32_000 };

export interface Seat {
  readonly name: string;
  /** Where its process is reached, whichever it is. */
  readonly url: string;
  /** None where nothing is to happen on the way to the database. */
  readonly proxy: ProxyProcess | null;
  process: ReplicaFork | null;
}

/** For faults that need one. */
export function proxyOf({ name, proxy }: Seat): ProxyProcess {
  if (proxy === null) throw new Error(`expected ${name} to have a proxy, got none`);
  return proxy;
}

export interface ClusterOptions {
  databaseUrl: string;
  folder: string;
  witness: Witness;
  /** The built server to run; ours in dist/ unless said otherwise. */
  server?: string;
  env?: Record<string, string>;
  /** Where the proxies lead to, if that is not the database itself. */
  ports?: Ports;
  /** Without proxies, whose hops would be measured, too. */
  direct?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class Cluster {
  readonly seats: Seat[] = [];
  readonly sideLog: string;
  readonly #options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.sideLog = join(options.folder, 'side-log.ndjson');
    process.once('exit', this.#killAll);
  }

  async addSeat(name: string): Promise<Seat> {
    const { databaseUrl, ports = {}, direct = false } = this.#options;
    const proxy = direct ? null : await ProxyProcess.start(databaseUrl, ports);
    const seat: Seat = { name, url: `http://127.0.0.1:${await freePort()}`, proxy, process: null };
    this.seats.push(seat);
    await this.occupy(seat);
    return seat;
  }

  /** Starts a process on the seat; again, if the database is away just now. Resolves when it is ready. */
  async occupy(seat: Seat): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        seat.process = await this.#fork(seat);
        break;
      } catch (error) {
        if (attempt === START_ATTEMPTS_MAX) throw error;
        await rest(500);
      }
    }
    await until(`${seat.name} is ready`, () => this.isReady(seat), JOIN_LIMIT_MS);
  }

  async kill(seat: Seat): Promise<void> {
    seat.process?.child.kill('SIGKILL');
    await seat.process?.exited;
    seat.process = null;
  }

  /** Asks the process to leave, and waits until it has; resolves with its exit code. */
  async dismiss(seat: Seat, limitMs: number): Promise<number | null> {
    const { process: replica } = seat;
    if (replica === null) return null;
    replica.child.kill('SIGTERM');
    const late = rest(limitMs, 'late' as const, { ref: false });
    const code = await Promise.race([replica.exited, late]);
    if (code === 'late')
      throw new Error(
        `expected ${seat.name} to leave within ${limitMs} ms, got:\n${replica.output().slice(-10_000)}`,
      );
    seat.process = null;
    return code;
  }

  async isReady({ process: replica }: Seat): Promise<boolean> {
    if (replica === null) return false;
    const answer = await fetch(`${replica.url}/healthz/ready`, { signal: AbortSignal.timeout(1_000) }).catch(
      () => undefined,
    );
    return answer?.status === 200;
  }

  /** The number under which the seat's process is a member now. */
  async numberOf(seat: Seat): Promise<number | null> {
    const [row] = await this.#options.witness.ask<{ number: number }>(
      `select number from carillon.replica where name = $1 and pid = $2 and state in ('active', 'draining') order by number desc limit 1`,
      [seat.name, seat.process?.pid ?? -1],
    );
    return row?.number ?? null;
  }

  async leader(): Promise<Seat | null> {
    const [row] = await this.#options.witness.ask<{ name: string }>(
      `select r.name from carillon.leadership l join carillon.replica r on r.number = l.replica where r.state in ('active', 'draining')`,
    );
    return this.seats.find((seat) => seat.name === row?.name && seat.process !== null) ?? null;
  }

  /** Of all seats, empty ones included. */
  get urls(): string[] {
    return this.seats.map(({ url }) => url);
  }

  /** Throws what fetch does: refused, reset, or too slow. */
  async call(seat: Seat, path: string, body?: object): Promise<Answer> {
    return this.send(seat, path, { method: body === undefined ? 'GET' : 'POST', body });
  }

  /** Throws unless it succeeds. */
  async insist(
    seat: Seat,
    path: string,
    { method = 'POST', body }: { method?: 'POST' | 'PATCH'; body: object },
  ): Promise<void> {
    const { status, body: said } = await this.send(seat, path, { method, body });
    if (status >= 300)
      throw new Error(`expected success of ${method} ${path}, got ${status}: ${JSON.stringify(said)}`);
  }

  /** Every slot is owned by a process that sits here, none of them draining, and none is on its way. */
  async untilSettled(limitMs = JOIN_LIMIT_MS): Promise<void> {
    await until(
      'the seats share the slots',
      async () => {
        const numbers = (await Promise.all(this.seats.map((seat) => this.numberOf(seat)))).filter(
          (number) => number !== null,
        );
        const { owners, moving } = await this.#options.witness.askOne<{ owners: number[]; moving: number }>(
          `select array_agg(distinct coalesce(owner, 0)) as owners, count(*) filter (where target is not null)::int as moving from carillon.slot_owner`,
        );
        return (
          moving === 0 &&
          owners.length === this.seats.length &&
          owners.every((owner) => numbers.includes(owner))
        );
      },
      limitMs,
    );
  }

  close(): void {
    process.off('exit', this.#killAll);
    this.#killAll();
    for (const { proxy } of this.seats) proxy?.close();
  }

  readonly #killAll = (): void => {
    for (const { process: replica } of this.seats) replica?.child.kill('SIGKILL');
  };

  /** Throws what fetch does: refused, reset, or too slow. A change is of any revision. */
  async send(
    seat: Seat,
    path: string,
    { method, body }: { method: string; body?: object | undefined },
  ): Promise<Answer> {
    const response = await fetch(`${seat.process?.url ?? 'http://127.0.0.1:9'}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        'content-type': 'application/json',
        ...(method === 'PATCH' || method === 'DELETE' ? { 'if-match': '*' } : {}),
      },
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json().catch(() => null) };
  }

  async #fork({ name, url, proxy }: Seat): Promise<ReplicaFork> {
    const { databaseUrl, server, env = {} } = this.#options;
    const timer = new AbortController();
    try {
      return await forkReplica({
        databaseUrl: proxy?.urlThrough('work', databaseUrl) ?? databaseUrl,
        name,
        sideLog: this.sideLog,
        env: {
          DATABASE_SESSION_URL: proxy?.urlThrough('session', databaseUrl) ?? databaseUrl,
          CARILLON_HTTP_ALLOWED_HOSTS: '127.0.0.1',
          CARILLON_PORT: new URL(url).port,
          ...env,
        },
        ...(server === undefined ? {} : { server }),
        execArgv: ['--import', CLOCK_STEP],
        // One that never listens is ended, and counts as one that could not start.
        onForked: (child) =>
          void rest(START_LIMIT_MS, undefined, { ref: false, signal: timer.signal }).then(
            () => child.kill('SIGKILL'),
            () => undefined,
          ),
      });
    } finally {
      timer.abort();
    }
  }
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.min + Math.floor(Math.random() * (PORTS.max - PORTS.min));
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise<void>((resolve) => server.close(() => resolve()));
    if (isFree) return port;
  }
}
