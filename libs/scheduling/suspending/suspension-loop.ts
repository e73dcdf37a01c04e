// Skips the planned due times of suspended tenants as they pass. The leader does it. The planner plans nothing more for
// a suspended tenant, so a few seconds after its suspension none is left, and the tenant is left alone until it
// changes: ten thousand suspended tenants cost one short list every two seconds. Every replica could do this safely, so
// the loop needs no fence of its term, and holds none while it waits for an owner's gate.
import type { Leader, Leadership } from '#cluster/leadership/leadership.js';
import type { Clock } from '#kernel/clock.js';
import type { TenantId } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { listSuspendedTenants } from './suspended-run.repository.js';
import { skipDueOf } from './suspended-runs.js';

const LOOK_MS = 2_000;
/** More runs are due than one batch, or an owner hangs. */
const AGAIN_MS = 100;
const TENANTS_MAX = 10_000;

interface Watched {
  revision: number;
  untilMs: number;
}

export class SuspensionLoop implements Loop {
  readonly name = 'suspension';
  #term: Leader['term'] | null = null;
  #watched = new Map<TenantId, Watched>();

  constructor(
    private readonly leadership: Leadership,
    private readonly options: {
      clock: Clock;
      /** The longest look ahead, plus a moment for which an owner holds a planned run. */
      watchMs: number;
    },
  ) {}

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null) return SLEEP_MS;
    const suspended = await listSuspendedTenants(leader.incarnation.db, TENANTS_MAX);
    const { clock, watchMs } = this.options;
    const nowMs = clock.monotonicMs();
    const before = this.#term === leader.term ? this.#watched : new Map<TenantId, Watched>();
    this.#term = leader.term;
    this.#watched = new Map(
      suspended.map(({ id, revision }) => {
        const known = before.get(id);
        return [id, known?.revision === revision ? known : { revision, untilMs: nowMs + watchMs }];
      }),
    );
    let isDone = true;
    for (const tenant of suspended) {
      if ((this.#watched.get(tenant.id)?.untilMs ?? 0) < nowMs) continue;
      isDone = (await skipDueOf(leader.incarnation.db, tenant)) && isDone;
    }
    return isDone ? LOOK_MS : AGAIN_MS;
  }
}
