// How does a follower become leader? It tries the lock, without waiting for it, and with the lock begins a term in the
// database, both on its control session, so that lock and beats end together. A frozen leader keeps its lock as long as
// its session lives. A follower that sees its beats stand still for `deadAfterMs` ends that session, which frees the
// lock. By heartbeats alone there is no lock: the first replica that sees no living leader begins the next term, unless
// another one has begun it meanwhile.
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import type { Clock } from '#kernel/clock.js';
import { inTransaction, type Database } from '#database/connection.js';
import type { ReplicaNumber } from '#kernel/ids.js';
import { insertEvent } from '#cluster/cluster-event.repository.js';
import type { ClusterSettings } from '#cluster/cluster-settings.js';
import { watchLeader, type LeaderSighting, type LeaderWatch } from './decisions/leader-watch.js';
import {
  beginTerm,
  releaseLeaderLock,
  resignTerm,
  tryLeaderLock,
  type Candidacy,
} from './leadership.repository.js';
import type { Leadership } from './leadership.js';
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import { sessionName, terminateSessions } from '#cluster/membership/session-end.repository.js';

export class ElectionLoop implements Loop {
  readonly name = 'election';
  #watch: LeaderWatch | null = null;
  #frozen: ReplicaNumber | null = null;

  constructor(
    private readonly membership: Membership,
    private readonly leadership: Leadership,
    private readonly settings: ClusterSettings,
    private readonly clock: Clock,
  ) {}

  async runOnce(): Promise<number> {
    const incarnation = this.membership.trusted();
    const db = this.membership.controlDb();
    if (incarnation === null || db === null) return this.settings.electionMs;
    if (this.leadership.current() !== null) return SLEEP_MS;
    if (this.settings.liveness === 'heartbeats') await this.#resign(db, incarnation);
    if (this.membership.isDraining) return this.settings.electionMs;
    const yieldMs = this.leadership.yieldsForMs();
    if (yieldMs > 0) return yieldMs;
    const candidacy = await this.#candidacy(db);
    if (candidacy !== null) await this.#begin(db, incarnation, candidacy);
    return this.settings.electionMs;
  }

  see({ term, leader, leaderBeat }: LeaderSighting): void {
    const { watch, frozen } = watchLeader({
      watch: this.#watch,
      sighting: { term, leader, leaderBeat },
      nowMs: this.clock.monotonicMs(),
      deadAfterMs: this.settings.deadAfterMs,
    });
    this.#watch = watch;
    this.#frozen = frozen;
  }

  /**
   * By heartbeats alone nothing else tells the other replicas that a living one leads no more: it beats on, and while
   * the row names it, they wait for it. It may not even know that it began this term, when the answer was lost.
   */
  async #resign(db: Database, { replica, uuid }: Incarnation): Promise<void> {
    if (this.#watch?.sighting.leader !== replica) return;
    const { term } = this.#watch.sighting;
    await resignTerm(db, { term, holder: uuid });
    this.#watch = { ...this.#watch, sighting: { term, leader: null, leaderBeat: null } };
  }

  async #candidacy(db: Database): Promise<Candidacy | null> {
    if (this.settings.liveness === 'heartbeats') {
      const seen = this.#watch?.sighting;
      const vacant = seen !== undefined && (seen.leaderBeat === null || this.#frozen !== null);
      return vacant ? { kind: 'vacancy', after: seen.term } : null;
    }
    // Sessions that resist may use up this statement's time. The lock is tried all the same: they may be gone by then.
    if (this.#frozen !== null) await terminateSessions(db, sessionName(this.#frozen)).catch(() => undefined);
    const seen = await tryLeaderLock(db);
    this.see(seen);
    return seen.held ? { kind: 'lock' } : null;
  }

  async #begin(db: Database, incarnation: Incarnation, candidacy: Candidacy): Promise<void> {
    const predecessor = this.#watch;
    try {
      const term = await inTransaction(db, async (tx) => {
        const begun = await beginTerm(tx, incarnation, candidacy);
        if (begun !== undefined)
          await insertEvent(tx, { type: 'term-began', term: begun, replica: incarnation.replica });
        return begun;
      });
      if (term === undefined) await releaseLeaderLock(db);
      else this.leadership.begin({ term, incarnation, predecessor });
    } catch (error) {
      // Only a returned, committed term makes a leader. A replica that does not know its term must not keep the lock.
      await releaseLeaderLock(db).catch(() => undefined);
      throw error;
    }
  }
}
