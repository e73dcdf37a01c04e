// Is this process a member of the cluster, as whom, and may it still believe so?
//
//   outside --register--> member --session lost--> cut off --resume--> member (same number)
//                            |                        |
//                            +---- declared dead -----+--> outside (rejoins under a new number)
//
// One session carries the replica's lock and its beats. A broken session alone ends nothing: the replica
// first tries to resume its own number, so that a restarted server or a cut connection kills no replica. Only
// a row that says 'dead' does, and then the replica goes on as a new incarnation.
import { connectDatabase, type Database, type Tx } from '#database/connection.js';
import { databaseErrorKind } from '#database/error-kind.js';
import type { SessionConnection } from '#database/sessions/session-connection.js';
import { Topic } from '#kernel/topic.js';
import { insertEvent } from '#cluster/cluster-event.repository.js';
import { openControlSession, register, sayGoodbye } from './control-session.js';
import { trustedUntilMs } from './decisions/trust.js';
import { asReplica, asReplicaAlone, type Fenced, type ReplicaHolder } from './replica-gate.js';
import type { MembershipOptions } from './membership-options.js';
import * as replicas from './replica.repository.js';
import { sessionName } from './session-end.repository.js';

/**
 * One incarnation of this replica, its life in the cluster: its number, and a pool whose sessions carry that number in
 * their name.
 */
export interface Incarnation extends ReplicaHolder {
  readonly db: Database;
}

type Write<Value> = (tx: Tx) => Promise<Value>;

export class Membership {
  readonly joined = new Topic<Incarnation>();
  /** This incarnation is over; all its work must stop and can commit nothing. */
  readonly expelled = new Topic<{ incarnation: Incarnation; reason: string }>();
  /** The control session broke. The incarnation may still be resumed. */
  readonly cutOff = new Topic<Error>();
  readonly beaten = new Topic<replicas.BeatAnswer & { receivedAtMs: number }>();
  readonly hinted = new Topic<string>();
  /** No new work from now on, because of a signal or an operator's order. */
  readonly draining = new Topic<void>();

  #session: SessionConnection | null = null;
  #incarnation: Incarnation | null = null;
  #lastBackendPid: number | null = null;
  #beating: Promise<void> | null = null;
  #trustedUntilMs = Number.NEGATIVE_INFINITY;
  /** Set by a signal, and never taken back. */
  #leaving = false;
  /** As an operator ordered. */
  #toDrain = false;

  constructor(private readonly options: MembershipOptions) {}

  /** The incarnation, whether or not it may act. */
  get incarnation(): Incarnation | null {
    return this.#incarnation;
  }

  get isDraining(): boolean {
    return this.#leaving || this.#toDrain;
  }

  /** The incarnation while it is sure not to be declared dead, else null. It only reads a clock: ask before each act. */
  trusted(): Incarnation | null {
    return this.options.clock.monotonicMs() < this.#trustedUntilMs ? this.#incarnation : null;
  }

  /** The control session's statements, while there is a session. Short ones only: the beat waits behind them. */
  controlDb(): Database | null {
    return this.#session?.db ?? null;
  }

  /** Throws UnfitSessionError when the way to the database can't carry this replica's session. */
  async checkSession(): Promise<void> {
    const { sessionUrl: url, settings } = this.options;
    const ignore = (): void => undefined;
    const session = await openControlSession(
      { url, deadAfterMs: settings.deadAfterMs, direct: this.#direct, onLost: ignore, onHint: ignore },
      null,
    );
    await session.close();
  }

  /** Connects, resumes or registers if needed, then beats once. Throws the database's error. */
  async beat(): Promise<void> {
    this.#beating = this.#beatOnce();
    await this.#beating;
  }

  async #beatOnce(): Promise<void> {
    const startedAtMs = this.options.clock.monotonicMs();
    const session = this.#session ?? (await this.#connect());
    const { incarnation, answer } = await this.#beatOn(session);
    if (answer === null || answer.state === 'dead' || answer.state === 'left') {
      this.#expel(`the cluster lists replica ${incarnation.replica} as ${answer?.state ?? 'unknown'}`);
      return;
    }
    const { deadAfterMs, marginMs } = this.options.settings;
    this.#trustedUntilMs = trustedUntilMs({ beatStartedAtMs: startedAtMs, deadAfterMs, marginMs });
    this.#followOrder(answer.state === 'draining');
    this.beaten.publish({ ...answer, receivedAtMs: this.options.clock.monotonicMs() });
  }

  /** A session that gave no answer is not used again: only a refusal shows that there is still a server behind it. */
  async #beatOn(session: SessionConnection) {
    try {
      const incarnation = this.#incarnation ?? (await this.#register(session));
      const answer = await replicas.beat(session.db, incarnation.replica, incarnation.uuid);
      return { incarnation, answer };
    } catch (error) {
      const kind = databaseErrorKind(error);
      if (kind !== 'rejected' && kind !== 'passing') {
        this.#loseSession(session, error instanceof Error ? error : new Error(String(error)));
        void session.close().catch(this.options.onError);
      }
      throw error;
    }
  }

  /** Runs a claim or a settlement. After 'fenced' nothing was written, and the incarnation is over (I4). */
  async write<Value>(incarnation: Incarnation, write: Write<Value>): Promise<Fenced<Value>> {
    return this.#heed(incarnation, await asReplica(incarnation.db, incarnation, write));
  }

  /** Like write(), with no other claim or settlement of the incarnation in flight: for handing slots over. */
  async writeAlone<Value>(incarnation: Incarnation, write: Write<Value>): Promise<Fenced<Value>> {
    return this.#heed(incarnation, await asReplicaAlone(incarnation.db, incarnation, write));
  }

  /** Takes the word of a fence that the cluster ended this incarnation, before the next beat reports it. */
  acceptDeath(incarnation: Incarnation): void {
    if (incarnation === this.#incarnation) this.#expel(`replica ${incarnation.replica} was fenced off`);
  }

  /** Takes no new work from now on; resolves once the database has recorded it. */
  async drain(): Promise<void> {
    this.#leaving = true;
    this.draining.publish();
    const db = this.controlDb();
    const incarnation = this.#incarnation;
    if (db === null || incarnation === null) return;
    if (await replicas.moveOnTo(db, incarnation.replica, 'draining')) {
      await insertEvent(db, { type: 'replica-draining', replica: incarnation.replica });
    }
  }

  /** The last act: leaves the cluster if the database can be reached, and closes every connection. */
  async leave(): Promise<void> {
    // A beat under way may be entering the cluster, which would then stay a member.
    await this.#beating?.catch(() => undefined);
    const session = this.#session;
    const incarnation = this.#incarnation;
    this.#session = null;
    this.#incarnation = null;
    this.#trustedUntilMs = Number.NEGATIVE_INFINITY;
    try {
      if (session !== null && incarnation !== null) await sayGoodbye(session.db, incarnation.replica);
    } catch (error) {
      this.options.onError(error instanceof Error ? error : new Error(String(error)));
    }
    await incarnation?.db.destroy();
    await session?.close().catch(() => undefined);
  }

  #heed<Value>(incarnation: Incarnation, result: Fenced<Value>): Fenced<Value> {
    if (result.kind === 'fenced') this.acceptDeath(incarnation);
    return result;
  }

  get #direct(): boolean {
    return this.options.settings.liveness === 'sessions';
  }

  #followOrder(toDrain: boolean): void {
    const before = this.isDraining;
    this.#toDrain = toDrain;
    if (toDrain && !before) this.draining.publish();
  }

  async #connect(): Promise<SessionConnection> {
    const { sessionUrl: url, settings } = this.options;
    const session = await openControlSession(
      {
        url,
        deadAfterMs: settings.deadAfterMs,
        direct: this.#direct,
        onLost: (lost, error) => this.#loseSession(lost, error),
        onHint: (payload) => this.hinted.publish(payload),
      },
      this.#incarnation && { replica: this.#incarnation.replica, backendPid: this.#lastBackendPid },
    );
    // A leader that declares us dead also ends our sessions. If it does so while one resumes, the session reports its
    // end before this code listens to it, and never again.
    if (session.endedBy !== null) throw session.endedBy;
    this.#session = session;
    this.#lastBackendPid = session.backendPid;
    return session;
  }

  async #register(session: SessionConnection): Promise<Incarnation> {
    const holder = await register(session, this.options.identity, { direct: this.#direct });
    const db = connectDatabase({
      url: this.options.workUrl,
      applicationName: sessionName(holder.replica),
      maxConnections: this.options.workConnections,
      statementTimeoutMs: 10_000,
      // A replica may freeze in a transaction that holds its gate: a new leader must not depend on a right to end that
      // session.
      idleInTransactionMs: this.options.settings.deadAfterMs,
      walksIndexes: true,
      prepares: this.options.workPrepares,
      onError: this.options.onError,
    });
    this.#incarnation = { ...holder, db };
    this.joined.publish(this.#incarnation);
    return this.#incarnation;
  }

  #loseSession(session: SessionConnection, error: Error): void {
    if (this.#session !== session) return;
    this.#session = null;
    this.cutOff.publish(error);
  }

  #expel(reason: string): void {
    const incarnation = this.#incarnation;
    if (incarnation === null) return;
    this.#incarnation = null;
    this.#trustedUntilMs = Number.NEGATIVE_INFINITY;
    this.expelled.publish({ incarnation, reason });
    void incarnation.db.destroy().catch(this.options.onError);
    // A new incarnation needs a session without the old one's locks.
    const session = this.#session;
    this.#session = null;
    void session?.close().catch(this.options.onError);
  }
}
