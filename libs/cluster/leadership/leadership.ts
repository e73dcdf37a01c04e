// Does this replica lead, and in which term? The lock proposes, the leadership row decides: a term counts only once its
// row update has committed, and every leader write proves it again (fence 1, I3). When a beat is late the leader pauses,
// and goes on in the same term with the next one. In any other doubt, after a broken session or a commit with an unknown
// outcome, it stands down.
import type { Tx } from '#database/connection.js';
import { databaseErrorKind, type DatabaseErrorKind } from '#database/error-kind.js';
import type { Clock } from '#kernel/clock.js';
import type { ReplicaNumber, Term } from '#kernel/ids.js';
import { Topic } from '#kernel/topic.js';
import type { LeaderWatch } from './decisions/leader-watch.js';
import { releaseLeaderLock } from './leadership.repository.js';
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import type { Fenced } from '#cluster/membership/replica-gate.js';
import { inTerm } from './term-fence.js';

/** Longer than a preferred replica needs to win, and short beside the planner's look-ahead. */
const YIELD_MS = 1_000;

export interface Leader {
  readonly term: Term;
  readonly incarnation: Incarnation;
  /** What this replica had seen of the former leader. */
  readonly predecessor: LeaderWatch | null;
}

export class Leadership {
  readonly began = new Topic<Leader>();
  readonly ended = new Topic<{ term: Term; reason: string }>();
  #leader: Leader | null = null;
  #yield: { to: ReplicaNumber; untilMs: number } | null = null;

  constructor(
    private readonly membership: Membership,
    private readonly clock: Clock,
  ) {}

  onBeaten({ term }: { term: Term }): void {
    if (this.#leader !== null && term !== this.#leader.term)
      this.standDown(`term ${term} has begun elsewhere`);
  }

  /** The leader, if it is this process and the process is sure not to be declared dead; else null. */
  current(): Leader | null {
    const trusted = this.membership.trusted();
    return trusted !== null && trusted === this.#leader?.incarnation ? this.#leader : null;
  }

  begin(leader: Leader): void {
    this.#leader = leader;
    this.began.publish(leader);
  }

  /** Leaves the next election to another replica for a moment; afterwards every replica may stand. */
  yieldTo(replica: ReplicaNumber): void {
    this.#yield = { to: replica, untilMs: this.clock.monotonicMs() + YIELD_MS };
  }

  /** For how long this replica must not stand for election, in milliseconds; 0 when it may. */
  yieldsForMs(): number {
    if (this.#yield === null || this.#yield.to === this.membership.incarnation?.replica) return 0;
    return Math.max(0, this.#yield.untilMs - this.clock.monotonicMs());
  }

  /** Stops leading at once in this process. Gives the lock back if the session still answers. */
  standDown(reason: string): void {
    const leader = this.#leader;
    if (leader === null) return;
    this.#leader = null;
    this.ended.publish({ term: leader.term, reason });
    const db = this.membership.controlDb();
    if (db !== null) void releaseLeaderLock(db).catch(() => undefined); // a broken session gives it back, too
  }

  /** Runs one leader write. After 'fenced', or an outcome that is not known for sure, this process leads no more. */
  async write<Value>(leader: Leader, write: (tx: Tx) => Promise<Value>): Promise<Fenced<Value>> {
    const { term, incarnation } = leader;
    try {
      const result = await inTerm(incarnation.db, { term, holder: incarnation.uuid }, write);
      if (result.kind === 'fenced') this.standDown(`term ${term} is over`);
      return result;
    } catch (error) {
      this.#doubt(term, databaseErrorKind(error));
      throw error;
    }
  }

  #doubt(term: Term, kind: DatabaseErrorKind): void {
    if (kind === 'unknown') this.standDown(`a write of term ${term} may or may not have happened`);
    // The lock may be held where it is worthless: on a former primary, or while writes reach no server.
    if (kind === 'lost') this.standDown(`a write of term ${term} reached no primary`);
  }
}
