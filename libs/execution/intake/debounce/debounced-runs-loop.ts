// Lets debounced runs into their slots when their instant has come. Each replica does it, whichever slots it owns, and so
// it goes on while a leader or an owner of the version before is there, if less often than the leader does; a run is let in
// once, because its row is locked for it. While none waits, a pass is one look at an empty index.
import type { HintsLoop } from '#cluster/hints/hints-loop.js';
import type { Leadership } from '#cluster/leadership/leadership.js';
import type { Membership } from '#cluster/membership/membership.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { letIn, nextInMs } from './debounced.repository.js';

/** No delay is shorter, so no run that is made between two passes is due before the second. */
const LOOK_MS = 1_000;
const LOOK_BESIDE_LEADER_MS = 5_000;
const RUNS_PER_PASS = 1_000;
/** A run that is due was being moved. */
const TRY_AGAIN_MS = 50;

export class DebouncedRunsLoop implements Loop {
  readonly name = 'debounced-runs';

  constructor(
    private readonly membership: Membership,
    private readonly leadership: Pick<Leadership, 'current'>,
    private readonly hints: Pick<HintsLoop, 'send'>,
  ) {}

  async runOnce(): Promise<number> {
    const { incarnation } = this.membership;
    if (incarnation === null) return SLEEP_MS;
    const inMs = await nextInMs(incarnation.db);
    const lookMs = this.leadership.current() === null ? LOOK_BESIDE_LEADER_MS : LOOK_MS;
    if (inMs === null || inMs > 0) return Math.min(lookMs, inMs ?? lookMs);
    const { count, slots } = await letIn(incarnation.db, { limit: RUNS_PER_PASS });
    if (count === 0) return TRY_AGAIN_MS;
    this.hints.send({ kind: 'work', slots });
    return 0;
  }
}
