// What does the database server do? It takes statements one by one, each at one instant; makes those wait
// that meet another transaction's lock; ends sessions that are silent for too long, that an actor
// terminates, or all of them when it restarts; and loses a connection now and then at the worst moment.
import { HeldLocks } from './held-locks.js';
import type { Answer, Limits, Peer, Request } from './connection.js';
import { drawLoss, type Loss } from './connection-loss.js';
import type { Invariants } from './invariants.js';
import type { ModelDatabase } from './model-database.js';
import { failures } from './postgres-error.js';
import { Refusals } from './refusals.js';
import { Session } from './session.js';
import type { StatementBook } from './statement-book.js';
import { BLOCKED, type StatementServer } from './statements/meaning.js';
import type { Transaction } from './transaction.js';
import type { DatabaseServer, World } from './world.js';

/** How often silence and waits are looked at; and how long a wait must last to be looked at for a deadlock. */
export const TICK_MS = 200;
const DEADLOCK_MS = 1_000;
const EPOCH_MS = Date.parse('2026-11-21T08:00:00.000Z');

interface ServerParts {
  readonly world: World;
  readonly db: ModelDatabase;
  readonly invariants: Invariants;
  readonly book: StatementBook;
  readonly deadAfterMs: number;
  readonly mayTerminate: boolean;
}

export class Server implements DatabaseServer, StatementServer {
  readonly world: World;
  readonly db: ModelDatabase;
  readonly invariants: Invariants;
  readonly deadAfterMs: number;
  readonly mayTerminate: boolean;
  readonly #book: StatementBook;
  readonly sessions = new Set<Session>();
  readonly locks = new HeldLocks();
  readonly refusals: Refusals;
  isUp = true;
  startedAt = 1;
  /** The server's wall clock jumps; nothing may depend on it. */
  wallOffsetMs = 0;
  /** How likely a connection is lost with a statement on it. */
  lossChance = 0;
  /** How likely a function takes long from one of its statements to the next. */
  stallChance = 0;
  /** Strikes once, when this statement has found something, which is most often in the middle of a transaction. */
  ambush: { statement: string; strike: (session: Session) => void } | null = null;
  /** The next session that gets the answer to this statement ends behind it: its client reads both at once. */
  endsBehind: string | null = null;
  /** With what becomes of the connection once the statement is through. */
  readonly #waiting = new Map<Session, Loss>();
  #released = false;
  #pids = 0;

  constructor({ world, db, invariants, book, deadAfterMs, mayTerminate }: ServerParts) {
    this.world = world;
    this.db = db;
    this.invariants = invariants;
    this.deadAfterMs = deadAfterMs;
    this.mayTerminate = mayTerminate;
    this.#book = book;
    this.refusals = new Refusals(world.random, book.broken);
    this.#tick();
  }

  wallMs(): number {
    return EPOCH_MS + this.world.nowMs + this.wallOffsetMs;
  }

  hasComeTo(step: number, tx: Transaction): boolean {
    const { random, nowMs } = this.world;
    if (tx.step < step) {
      const tookMs = random.between(0, random.chance(this.stallChance) ? 2 * this.deadAfterMs : 1);
      tx.step = step;
      tx.goesOnAtMs = nowMs + tookMs;
      tx.blockers = [];
      this.world.after(tookMs, () => {
        this.#released = true;
        this.#letWaitersGoOn();
      });
    }
    return nowMs >= tx.goesOnAtMs;
  }

  admit(peer: Peer, applicationName: string, limits: Limits): Session | Error {
    if (!this.isUp) return this.world.random.chance(0.5) ? failures.refused() : failures.startingUp();
    const session = new Session((this.#pids += 1), peer, applicationName, limits);
    session.sinceMs = this.world.nowMs;
    this.sessions.add(session);
    return session;
  }

  receive(session: Session, request: Request): void {
    if (session.isOver || session.peer === null) return;
    const loss = this.#drawLoss(request.text);
    if (loss === 'before') return this.end(session, failures.broken());
    if (loss === 'deaf before') return this.#deafen(session);
    session.waiting = request;
    session.sinceMs = this.world.nowMs;
    this.#attempt(session, loss);
    this.#letWaitersGoOn();
  }

  hangUp(session: Session): void {
    session.isHungUp = true;
    if (session.waiting === null) this.end(session, null);
  }

  /** With an error that the client is told, or without one when it left by itself. */
  end(session: Session, error: Error | null): void {
    if (session.isOver) return;
    session.isOver = true;
    this.sessions.delete(session);
    this.#waiting.delete(session);
    if (!this.#book.broken.has('locks that outlive their session')) this.locks.releaseAll(session);
    session.close('rollback');
    this.#released = true;
    if (error !== null) session.peer?.lose(error);
    this.#letWaitersGoOn();
  }

  terminate(session: Session): void {
    this.world.say(() => `${nameOf(session)} is terminated`);
    this.end(session, failures.terminated());
  }

  /** Every session is over, and so is every transaction. What was committed stays. */
  crash(): void {
    this.isUp = false;
    for (const session of this.sessions) {
      this.end(session, this.world.random.chance(0.3) ? failures.terminated() : failures.broken());
    }
  }

  start(): void {
    this.isUp = true;
    this.startedAt += 1;
  }

  notify(channel: string, payload: string): void {
    for (const session of this.sessions) if (session.listens) session.peer?.notify(channel, payload);
  }

  /** Sessions that are cut off end when the server at last finds out. */
  dropDeafSessions(): void {
    for (const session of this.sessions) if (session.peer === null) this.end(session, null);
  }

  #attempt(session: Session, loss: Loss): void {
    const request = session.waiting;
    if (request === null) return;
    const answer = this.#execute(session, request);
    if (answer === BLOCKED) {
      this.#waiting.set(session, loss);
      return;
    }
    this.#waiting.delete(session);
    session.waiting = null;
    session.sinceMs = this.world.nowMs;
    if (loss === 'after') this.end(session, failures.broken());
    else if (loss === 'deaf after') this.#deafen(session);
    else if (session.isHungUp) this.end(session, null);
    else if (session.peer !== null) this.#answer(session, request, answer);
  }

  #answer(session: Session, request: Request, answer: Answer | Error): void {
    const { text } = request;
    const isOutside = !session.isInTransaction && text !== 'commit' && text !== 'rollback';
    if (!isOutside || this.endsBehind === null || this.endsBehind !== this.#book.nameOf(text))
      return request.answer(answer);
    this.endsBehind = null;
    this.world.say(() => `${nameOf(session)} ends behind this answer`);
    const isUnheard = this.#book.broken.has('ends behind an answer that are not heard');
    request.answer(answer, isUnheard ? failures.unheardEnd() : failures.terminated());
    this.end(session, null);
  }

  #execute(session: Session, { text, params }: Request): Answer | Error | typeof BLOCKED {
    if (text === 'commit') return this.#commit(session);
    if (text === 'rollback') {
      this.world.say(() => `${nameOf(session)} rolls back`);
      session.close('rollback');
      this.#released = true;
      return done('ROLLBACK');
    }
    if (session.hasFailed) return failures.transactionAborted();
    const refusal = this.refusals.draw(this.#book.nameOf(text), params, this.world.nowMs);
    if (refusal !== null) return this.#refuse(session, refusal);
    const tx = session.transaction();
    const answer = this.#book.execute(text, { server: this, db: this.db, session, tx, params });
    if (answer === BLOCKED) {
      this.world.say(() => `${nameOf(session)} waits: ${this.#book.describe(text, params)}`);
      if (this.ambush !== null && tx.step > 0) this.#maybeStrike(session, text);
      return BLOCKED;
    }
    this.world.say(() => `${nameOf(session)} ${this.#book.describe(text, params)} -> ${summaryOf(answer)}`);
    if (!session.isInTransaction) this.#commit(session);
    if (this.ambush !== null && answer.rowCount > 0) this.#maybeStrike(session, text);
    return answer;
  }

  #maybeStrike(session: Session, text: string): void {
    if (this.ambush?.statement !== this.#book.nameOf(text)) return;
    const { strike } = this.ambush;
    this.ambush = null;
    strike(session);
  }

  #commit(session: Session): Answer {
    const failed = session.hasFailed;
    if (session.tx !== null && !failed) {
      this.invariants.judge(session.tx);
      if (session.isInTransaction) this.world.say(() => `${nameOf(session)} commits`);
    }
    session.close(failed ? 'rollback' : 'commit');
    this.#released = true;
    return done(failed ? 'ROLLBACK' : 'COMMIT');
  }

  #fail(session: Session, error: Error): void {
    const request = session.waiting;
    this.#waiting.delete(session);
    session.waiting = null;
    session.sinceMs = this.world.nowMs;
    this.#refuse(session, error);
    if (session.isHungUp) this.end(session, null);
    else if (session.peer !== null) request?.answer(error);
  }

  /** The transaction is aborted, and waits for its end. */
  #refuse(session: Session, error: Error): Error {
    this.world.say(() => `${nameOf(session)} fails: ${error.message}`);
    const { isInTransaction } = session;
    session.close('rollback');
    session.isInTransaction = isInTransaction;
    session.hasFailed = isInTransaction;
    this.#released = true;
    return error;
  }

  #drawLoss(text: string): Loss {
    const loss = drawLoss(this.world.random, this.lossChance, text);
    return loss === 'none' ? this.refusals.drawLoss(text, this.world.nowMs) : loss;
  }

  #letWaitersGoOn(): void {
    while (this.#released) {
      this.#released = false;
      for (const [session, loss] of this.#waiting) this.#attempt(session, loss);
    }
  }

  #deafen(session: Session): void {
    const { peer } = session;
    session.peer = null;
    this.world.say(() => `the connection of ${nameOf(session)} breaks, unnoticed by the server`);
    peer?.lose(failures.broken());
  }

  #tick(): void {
    for (const session of this.sessions) this.#checkLimits(session, this.world.nowMs - session.sinceMs);
    this.#letWaitersGoOn();
    this.world.after(TICK_MS, () => this.#tick());
  }

  #checkLimits(session: Session, spentMs: number): void {
    const { limits } = session;
    if (session.waiting !== null) {
      if (spentMs >= (session.tx?.lockMs ?? limits.lockMs)) this.#fail(session, failures.lockTimeout());
      else if (spentMs >= limits.statementMs) this.#fail(session, failures.statementTimeout());
      else if (spentMs >= DEADLOCK_MS && session.tx?.waitsForItself() === true)
        this.#fail(session, failures.deadlock());
    } else if (session.isInTransaction) {
      if (spentMs >= limits.idleInTransactionMs) this.end(session, failures.idleInTransaction());
    } else if (spentMs >= limits.idleMs) this.end(session, failures.silentTooLong());
  }
}

function done(command: string): Answer {
  return { rows: [], command, rowCount: 0 };
}

function nameOf({ pid, applicationName, peer }: Session): string {
  return `${peer?.actor.name ?? 'nobody'} (session ${pid}, ${applicationName})`;
}

function summaryOf({ rows, rowCount }: Answer): string {
  return rows.length === 0
    ? `${rowCount} rows`
    : JSON.stringify(rows.length > 3 ? [...rows.slice(0, 3), '…'] : rows);
}
