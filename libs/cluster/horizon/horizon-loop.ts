// Does a session keep VACUUM from removing dead rows? The leader checks now and then, and names the holder of an old
// snapshot in the cluster's events and in the log: every claim walks over the rows that such a holder keeps.
import type { Clock } from '#kernel/clock.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { insertEvent, type ClusterEventType } from '#cluster/cluster-event.repository.js';
import { judgeHorizon, NOTHING_HELD, type HorizonHolder } from './decisions/horizon-watch.js';
import { listHorizonHolders } from './horizon.repository.js';
import type { Leader, Leadership } from '#cluster/leadership/leadership.js';

const LOOK_MS_MAX = 10_000;

export class HorizonLoop implements Loop {
  readonly name = 'horizon';
  readonly held = new Topic<HorizonHolder>();
  readonly released = new Topic<HorizonHolder>();
  #memory = NOTHING_HELD;
  #watchedFor: Leader | null = null;

  constructor(
    private readonly leadership: Leadership,
    private readonly clock: Clock,
    /** 0 never warns. */
    private readonly warnAfterMs: number,
  ) {}

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null || this.warnAfterMs === 0) return SLEEP_MS;
    if (this.#watchedFor !== leader) this.#memory = NOTHING_HELD;
    this.#watchedFor = leader;
    const holders = await listHorizonHolders(leader.incarnation.db);
    const verdict = judgeHorizon({
      memory: this.#memory,
      holders,
      nowMs: this.clock.monotonicMs(),
      warnAfterMs: this.warnAfterMs,
    });
    this.#memory = verdict.memory;
    for (const holder of verdict.held) await this.#tell(leader, 'horizon-held', holder);
    for (const holder of verdict.released) await this.#tell(leader, 'horizon-released', holder);
    return Math.min(LOOK_MS_MAX, Math.ceil(this.warnAfterMs / 2));
  }

  async #tell({ term, incarnation }: Leader, type: ClusterEventType, holder: HorizonHolder): Promise<void> {
    const { queryStartedAt, ageMs, ...rest } = holder;
    const data = { ...rest, ageMs: ageMs === null ? null : Math.round(ageMs), queryStartedAt };
    (type === 'horizon-held' ? this.held : this.released).publish(holder);
    await insertEvent(incarnation.db, { type, term, data });
  }
}
