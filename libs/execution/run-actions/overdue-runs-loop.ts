// Ends runs that no owner has claimed, once their deadline has passed or a request wants them cancelled. The leader
// does it about once a second, in bounded batches. Every replica could do it safely, so it needs no fence of its term:
// that one replica does it saves the others the search.
import type { Leadership } from '#cluster/leadership/leadership.js';
import type { AskedLoop } from '#cluster/lookout/lookout-loop.js';
import type { Clock } from '#kernel/clock.js';
import { ASKED_SLEEP_MS, SLEEP_MS } from '#kernel/loop.js';
import { isAnyEndable, listEndable } from './run-ending.repository.js';
import { endOverdue } from './run-ending.js';

const LOOK_MS = 1_000;
const RUNS_PER_PASS = 500;
/** While there is more, the gates of the owners are left free this many times as long as a pass took. */
const RESTS_PER_PASS = 2;

export class OverdueRunsLoop implements AskedLoop {
  readonly name = 'overdue-runs';
  readonly question = isAnyEndable;

  constructor(
    private readonly leadership: Leadership,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null) return SLEEP_MS;
    const { db } = leader.incarnation;
    const begunMs = this.clock.monotonicMs();
    const endable = await listEndable(db, RUNS_PER_PASS);
    if (endable.length === 0) return ASKED_SLEEP_MS;
    const ended = await endOverdue(db, endable);
    // If nothing could be ended, an owner hangs, and an immediate retry would not help.
    if (endable.length < RUNS_PER_PASS || ended.length === 0) return LOOK_MS;
    return Math.min(LOOK_MS, RESTS_PER_PASS * (this.clock.monotonicMs() - begunMs));
  }
}
