// How does the program reach the simulated server? Through this stand-in for the module `pg`: a client and a
// pool that look to our code like node-postgres, and whose messages travel in virtual time.
import { EventEmitter } from 'node:events';
import type { Actor } from './actor.js';
import type { Answer, Limits, Peer } from './connection.js';
import { worldOnStage } from './played-world.js';
import { failures, isUnheardEnd } from './postgres-error.js';
import type { Session } from './session.js';
import { actorOnStage } from './stage.js';
import type { World } from './world.js';

interface ClientConfig {
  application_name?: string;
  statement_timeout?: number;
  query_timeout?: number;
  idle_in_transaction_session_timeout?: number;
  connectionTimeoutMillis?: number;
}

interface Query {
  text: string;
  params: readonly unknown[];
  sentAtMs: number;
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
  isOver: boolean;
}

export class Client extends EventEmitter implements Peer {
  processID = 0;
  isStalled = false;
  readonly actor: Actor = actorOnStage();
  /** What our client reaches for when a query timed out. */
  readonly connection = {
    stream: {
      destroy: (error: Error) => this.#break(error),
      cork: () => undefined,
      uncork: () => undefined,
    },
  };
  readonly #world: World = worldOnStage();
  readonly #config: ClientConfig;
  readonly #queue: Query[] = [];
  #session: Session | null = null;
  #connecting: { startedAtMs: number; reject: (error: Error) => void } | null = null;
  #isOver = false;
  /** What statements are refused with after an end that no one was told of. */
  #unheard: Error | null = null;

  constructor(config: ClientConfig = {}) {
    super();
    this.#config = config;
  }

  get isUsable(): boolean {
    return !this.#isOver && this.#session !== null;
  }

  connect(): Promise<void> {
    this.#world.peers.add(this);
    return new Promise((resolve, reject) => {
      this.#connecting = { startedAtMs: this.#monotonicMs(), reject };
      this.#world.send(this, () => {
        const session = this.#world.server.admit(
          this,
          this.#config.application_name ?? '',
          limitsOf(this.#config),
        );
        this.#world.deliver(this, () => this.#enter(session, resolve));
      });
    });
  }

  query(
    query: string | { text: string; values: readonly unknown[] },
    given: readonly unknown[] = [],
  ): Promise<Answer> {
    // A name changes nothing of what a statement does.
    const { text, values: params } = typeof query === 'string' ? { text: query, values: given } : query;
    return new Promise((resolve, reject) => {
      if (this.#isOver)
        return reject(
          this.#unheard ?? new Error('Client has encountered a connection error and is not queryable'),
        );
      this.#queue.push({ text, params, sentAtMs: this.#monotonicMs(), resolve, reject, isOver: false });
      if (this.#queue.length === 1) this.#send();
    });
  }

  end(): Promise<void> {
    if (!this.#isOver) this.#close(new Error('Connection terminated'));
    return Promise.resolve();
  }

  lose(error: Error): void {
    this.#world.deliver(this, () => this.#break(error));
  }

  notify(channel: string, payload: string): void {
    this.#world.deliver(this, () => !this.#isOver && this.emit('notification', { channel, payload }));
  }

  vanish(): void {
    this.#leave();
    const session = this.#session;
    if (session !== null) this.#world.send(this, () => this.#world.server.hangUp(session));
  }

  isOverdue(): boolean {
    return this.#connectIsOverdue() || this.#queue.some((query) => this.#queryIsOverdue(query));
  }

  expire(): void {
    if (this.#connectIsOverdue()) return this.#break(new Error('timeout exceeded when trying to connect'));
    for (const query of this.#queue.filter((each) => this.#queryIsOverdue(each))) {
      query.isOver = true; // its answer is still to come, and the next query waits for that
      query.reject(new Error('Query read timeout'));
    }
  }

  #connectIsOverdue(): boolean {
    return (
      this.#connecting !== null &&
      this.#monotonicMs() - this.#connecting.startedAtMs > (this.#config.connectionTimeoutMillis ?? Infinity)
    );
  }

  #queryIsOverdue(query: Query): boolean {
    return !query.isOver && this.#monotonicMs() - query.sentAtMs > (this.#config.query_timeout ?? Infinity);
  }

  #enter(session: Session | Error, resolve: () => void): void {
    const connecting = this.#connecting;
    this.#connecting = null;
    if (this.#isOver || connecting === null) {
      if (!(session instanceof Error)) this.#world.send(this, () => this.#world.server.hangUp(session));
      return;
    }
    if (session instanceof Error) {
      this.#leave();
      return connecting.reject(session);
    }
    this.#session = session;
    this.processID = session.pid;
    resolve();
  }

  #send(): void {
    const query = this.#queue[0];
    const session = this.#session;
    if (query === undefined || session === null) return;
    if (query.text === 'begin' || query.text === 'start transaction isolation level read committed') {
      session.begin(this.#world.nowMs);
      return this.#settle(query, { rows: [], command: 'BEGIN', rowCount: 0 });
    }
    const { server } = this.#world;
    const answer = (result: Answer | Error, end?: Error): void =>
      this.#world.deliver(this, () => {
        if (this.#isOver) return;
        this.#settle(query, result);
        if (isUnheardEnd(end)) this.#endUnheard(end);
        else if (end !== undefined) this.#break(end);
      });
    this.#world.send(this, () => server.receive(session, { text: query.text, params: query.params, answer }));
  }

  #settle(query: Query, result: Answer | Error): void {
    this.#queue.shift();
    if (!query.isOver) {
      query.isOver = true;
      if (result instanceof Error) query.reject(result);
      else query.resolve(result);
    }
    if (this.#queue.length > 0) this.#send();
  }

  #break(error: Error): void {
    if (this.#isOver) return;
    this.#close(error);
    if (this.listenerCount('error') > 0) this.emit('error', error);
    this.emit('end');
  }

  #endUnheard(refusal: Error): void {
    this.#leave();
    this.#unheard = refusal;
  }

  #close(error: Error): void {
    this.#leave();
    const session = this.#session;
    if (session !== null) this.#world.send(this, () => this.#world.server.hangUp(session));
    this.#connecting?.reject(error);
    this.#connecting = null;
    for (const [index, query] of this.#queue.splice(0).entries()) {
      if (!query.isOver) query.reject(index === 0 ? error : failures.broken());
    }
  }

  #leave(): void {
    this.#isOver = true;
    this.#world.peers.delete(this);
  }

  #monotonicMs(): number {
    return this.#world.monotonicMs(this.actor);
  }
}

function limitsOf(config: ClientConfig): Limits {
  const {
    idle_in_transaction_session_timeout: idleInTransactionMs = Infinity,
    statement_timeout: statementMs = Infinity,
  } = config;
  return { idleMs: Infinity, idleInTransactionMs, lockMs: Infinity, statementMs };
}
