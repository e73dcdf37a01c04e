// Did each schedule make up for outages as its catch-up policy says? Judged by the ledger alone: which due
// times ran is a matter of the policy, and not of which leader came when.
import { DEFAULT_CATCH_UP, type CatchUp } from '#scheduling/decisions/catch-up.js';
import { CATCH_UP } from '#scheduling/decisions/planning.js';
import { fireKey, type FireRow, type ModelDatabase } from './model-database.js';
import type { World } from './world.js';

export class CaughtUpTimes {
  /** Of each schedule that was there, also of those that are deleted by now. */
  readonly #policies = new Map<string, CatchUp>();

  constructor(
    private readonly world: World,
    private readonly db: ModelDatabase,
  ) {}

  begin(schedule: string, stored: string | null): void {
    this.#policies.set(schedule, stored === null ? DEFAULT_CATCH_UP : (JSON.parse(stored) as CatchUp));
  }

  /** Called in the end, when all that has passed is decided. */
  judge(): void {
    const rows = this.db.fire.rows().toSorted((a, b) => a.dueMs - b.dueMs);
    for (const [schedule, fires] of Map.groupBy(rows, (fire) => fire.schedule)) {
      const policy = this.#policies.get(schedule) ?? DEFAULT_CATCH_UP;
      for (const [index, fire] of fires.entries()) {
        const wrong = faultOf(policy, fire, fires[index + 1]);
        const key = fireKey(schedule, fire.dueMs);
        if (wrong !== null) this.world.violate('an outage ends by the policy', `${key} ${wrong}`);
      }
    }
  }
}

function faultOf({ mode }: CatchUp, fire: FireRow, next: FireRow | undefined): string | null {
  const { outcome, reason } = fire;
  if (reason === CATCH_UP && mode === 'none') return 'was caught up on, with mode none';
  if (outcome !== 'coalesced') return null;
  if (mode !== 'latest') return `is coalesced, with mode ${mode}`;
  const isNextLeft = next?.outcome === 'missed' && next.reason?.startsWith('catch-up') === true;
  return next === undefined || isNextLeft ? 'is coalesced, and nothing later stands for it' : null;
}
