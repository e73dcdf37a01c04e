// Lets debounced runs into their slots when their instant has come. Each replica can do it, whichever slots it owns. No
// delay is shorter than a second, so the leader's lookout sees each before it is due; the others look now and then, which is
// enough beside a leader of the version before. A run is let in once, because its row is locked for it.
import type { HintsLoop } from '#cluster/hints/hints-loop.js';
import type { AskedLoop } from '#cluster/lookout/lookout-loop.js';
import type { Membership } from '#cluster/membership/membership.js';
import { ASKED_SLEEP_MS, SLEEP_MS } from '#kernel/loop.js';
import { isAnyWaiting, letIn, nextInMs } from './debounced.repository.js';

/** One that comes meanwhile is due later than that. */
const DELAY_MIN_MS = 1_000;
const RUNS_PER_PASS = 1_000;
/** A run that is due was being moved. */
const TRY_AGAIN_MS = 50;

export class DebouncedRunsLoop implements AskedLoop {
  readonly name = 'debounced-runs';
  readonly question = isAnyWaiting;

  constructor(
    private readonly membership: Membership,
    private readonly hints: Pick<HintsLoop, 'send'>,
  ) {}

  async runOnce(): Promise<number> {
    const { incarnation } = this.membership;
    if (incarnation === null) return SLEEP_MS;
    const inMs = await nextInMs(incarnation.db);
    if (inMs === null || inMs > DELAY_MIN_MS) return ASKED_SLEEP_MS;
    if (inMs > 0) return inMs;
    const { count, slots } = await letIn(incarnation.db, { limit: RUNS_PER_PASS });
    if (count === 0) return TRY_AGAIN_MS;
    this.hints.send({ kind: 'work', slots });
    return 0;
  }
}
