// Decides due times that were left behind: those of an outage that their schedule does not catch up on, and those of a
// schedule that got another spec or was deleted. The leader does it, behind the present: a bounded number of due times a
// pass and so many passes a second. So a day of 4,100 schedules of each minute takes half an hour, and never more than a
// small, fixed part of the database (I9). It takes all gaps together, from the farthest past on, so the ledger is
// complete up to an instant that moves on. Each pass is one leader transaction that shortens gaps by compare-and-set:
// the next leader continues where the last one stopped.
import { insertEvent } from '#cluster/cluster-event.repository.js';
import type { Leader, Leadership } from '#cluster/leadership/leadership.js';
import type { Clock } from '#kernel/clock.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { decideGap } from '#scheduling/decisions/gap.js';
import { findGaps, writeGaps, type StoredGap } from './gap.repository.js';
import { Losses, summaryOf, type DecidedGap, type LostDueTimes } from './losses.js';
import { DECIDE_MS_MAX } from './planner-settings.js';
import { SetAside } from './set-aside.js';
import { parseSpec } from '#scheduling/stored-spec.js';

/** A pass writes for 20 to 40 ms, and holds the leadership row as long; with the pause that is an eighth of one session. */
const FIRES_PER_PASS = 1_000;
const PAUSE_MS = 250;
/** For a gap whose hint was lost, and for schedules that were set aside and can be tried again. */
const LOOK_MS = 10_000;
/** So that each gap gets a good part of a pass. */
const GAPS_PER_PASS = 50;

export class GapLoop implements Loop {
  readonly name = 'gaps';
  readonly setAside: SetAside<string>;
  /** Schedules have lost due times in an outage; their gaps are closed. */
  readonly lost = new Topic<readonly LostDueTimes[]>();
  readonly #losses = new Losses();

  constructor(
    private readonly leadership: Leadership,
    private readonly clock: Clock,
  ) {
    this.setAside = new SetAside(clock);
  }

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null) return SLEEP_MS;
    const found = await findGaps(leader.incarnation.db, {
      limit: GAPS_PER_PASS,
      except: this.setAside.ids(),
    });
    if (found.length === 0) return LOOK_MS;
    await this.#write(leader, this.#decide(found));
    return PAUSE_MS;
  }

  #decide(found: readonly StoredGap[]): DecidedGap[] {
    const untilMs = this.clock.monotonicMs() + DECIDE_MS_MAX;
    const share = Math.floor(FIRES_PER_PASS / found.length);
    const gaps: DecidedGap[] = [];
    for (const gap of found) {
      const decided = this.setAside.try(gap.id, () =>
        decideGap({ ...gap, spec: parseSpec(gap.storedSpec) }, share),
      );
      if (decided !== null) gaps.push({ gap, ...decided });
      if (this.clock.monotonicMs() > untilMs) break;
    }
    return gaps;
  }

  async #write(leader: Leader, gaps: readonly DecidedGap[]): Promise<void> {
    if (gaps.length === 0) return;
    const { term } = leader;
    const lost = this.#losses.closedBy(gaps, term);
    const { kind } = await this.leadership.write(leader, async (tx) => {
      await writeGaps(tx, { term, gaps });
      if (lost.length > 0) await insertEvent(tx, { type: 'due-times-missed', term, data: summaryOf(lost) });
    });
    if (kind !== 'done') return;
    this.#losses.note(gaps);
    if (lost.length > 0) this.lost.publish(lost);
  }
}
