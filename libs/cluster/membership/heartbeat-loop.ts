// Each pass beats once, and enters the cluster first if it must. The loop runs on the main event loop on purpose: a
// hung process must stop beating.
import type { Clock } from '#kernel/clock.js';
import type { Loop } from '#kernel/loop.js';
import type { ClusterSettings } from '#cluster/cluster-settings.js';
import type { Membership } from './membership.js';

export class HeartbeatLoop implements Loop {
  readonly name = 'heartbeat';

  constructor(
    private readonly membership: Membership,
    private readonly settings: ClusterSettings,
    private readonly clock: Clock,
  ) {}

  async runOnce(): Promise<number> {
    const startedAtMs = this.clock.monotonicMs();
    await this.membership.beat();
    // An incarnation that has just ended is replaced at once.
    if (this.membership.incarnation === null) return 0;
    return Math.max(0, startedAtMs + this.settings.heartbeatMs - this.clock.monotonicMs());
  }
}
