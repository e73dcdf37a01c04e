// Which loops of the leader have something to do? Most of the time none, and each looked at its own table each second to
// find that out: a quarter of all that an idle cluster asked. Now one statement asks for all of them, and a loop sleeps
// until its question is answered with yes. It is asked again each second, so no wake-up can be lost.
import type { Database } from '#database/connection.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import type { Clock } from '#kernel/clock.js';
import type { Leadership } from '#cluster/leadership/leadership.js';
import { askAll, type Question } from './lookout.repository.js';

const LOOK_MS = 1_000;

export interface AskedLoop extends Loop {
  readonly question: Question;
}

export class LookoutLoop implements Loop {
  readonly name = 'lookout';
  /** These have something to do; one that is not asleep needs not be told. */
  readonly found = new Topic<readonly AskedLoop[]>();

  constructor(
    private readonly leadership: Leadership,
    readonly loops: readonly AskedLoop[],
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null) return SLEEP_MS;
    const found = await this.#found(leader.incarnation.db);
    if (found.length > 0) this.found.publish(found);
    return LOOK_MS;
  }

  /** Where one question takes long, the loops of the others look for themselves, as if they had not been asked for. */
  async #found(db: Database): Promise<readonly AskedLoop[]> {
    const startMs = this.clock.monotonicMs();
    try {
      const answers = await askAll(
        db,
        this.loops.map(({ question }) => question),
      );
      if (this.clock.monotonicMs() - startMs > LOOK_MS) return this.loops;
      return this.loops.filter((_, index) => answers[index] === true);
    } catch (error) {
      this.found.publish(this.loops);
      throw error;
    }
  }
}
