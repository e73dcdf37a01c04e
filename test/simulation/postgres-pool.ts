// How does the program share its connections to the simulated server? As with node-postgres's pool: an idle
// one is lent out, a new one is opened while there may be more, and else the borrower waits in line, also in that
// of a pool that is ending, until it has waited for too long.
import { EventEmitter } from 'node:events';
import type { SimEvent } from './event-queue.js';
import { worldOnStage } from './played-world.js';
import { Client } from './postgres-client.js';
import { actorOnStage } from './stage.js';

interface PoolConfig {
  max?: number;
  connectionTimeoutMillis?: number;
  Client?: new (config: object) => Client;
}

type Lent = Client & { release?: (destroy?: boolean) => void };

interface Borrower {
  resolve: (client: Lent) => void;
  reject: (error: Error) => void;
}

export class Pool extends EventEmitter {
  readonly options: PoolConfig;
  readonly #idle: Client[] = [];
  readonly #waiting = new Map<Borrower, SimEvent>();
  readonly #all = new Set<Client>();
  #ended: (() => void) | null = null;

  constructor(config: PoolConfig = {}) {
    super();
    this.options = config;
  }

  connect(): Promise<Lent> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) return reject(new Error('Cannot use a pool after calling end on the pool'));
      const borrower = { resolve, reject };
      const idle = this.#idle.pop();
      if (idle !== undefined) this.#lend(idle, borrower);
      else if (this.#all.size < (this.options.max ?? 10)) void this.#open(borrower);
      else this.#wait(borrower);
    });
  }

  async end(): Promise<void> {
    const over = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    for (const client of this.#idle.splice(0)) {
      this.#all.delete(client);
      void client.end();
    }
    this.#endWhenEmpty();
    await over;
  }

  #wait(borrower: Borrower): void {
    const { connectionTimeoutMillis: timeoutMs = Infinity } = this.options;
    const timer = worldOnStage().timer(actorOnStage(), timeoutMs, () => {
      this.#waiting.delete(borrower);
      borrower.reject(new Error('timeout exceeded when trying to connect'));
    });
    this.#waiting.set(borrower, timer);
  }

  #nextInLine(): Borrower | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const [borrower, timer] = first;
    this.#waiting.delete(borrower);
    timer.act = null;
    return borrower;
  }

  async #open(borrower: Borrower): Promise<void> {
    const client = new (this.options.Client ?? Client)(this.options);
    this.#all.add(client);
    try {
      await client.connect();
    } catch (error) {
      this.#all.delete(client);
      this.#endWhenEmpty();
      return borrower.reject(error as Error); // connect() rejects with Errors only
    }
    client.on('error', (error) => this.#forgetIdle(client, error));
    this.emit('connect', client);
    this.#lend(client, borrower);
  }

  #lend(client: Client, borrower: Borrower): void {
    const lent: Lent = client;
    lent.release = (destroy) => {
      delete lent.release;
      this.#takeBack(client, destroy === true);
    };
    borrower.resolve(lent);
  }

  #takeBack(client: Client, destroy: boolean): void {
    if (destroy || this.#ended !== null || !client.isUsable) {
      this.#all.delete(client);
      void client.end();
      this.#endWhenEmpty();
      const next = this.#ended === null ? this.#nextInLine() : undefined;
      if (next !== undefined) void this.#open(next);
      return;
    }
    const next = this.#nextInLine();
    if (next === undefined) this.#idle.push(client);
    else this.#lend(client, next);
  }

  #forgetIdle(client: Client, error: unknown): void {
    const place = this.#idle.indexOf(client);
    if (place === -1) return; // its borrower will find out
    this.#idle.splice(place, 1);
    this.#all.delete(client);
    this.emit('error', error);
  }

  #endWhenEmpty(): void {
    if (this.#ended !== null && this.#all.size === 0) this.#ended();
  }
}
