// How many more runs may a tenant with a limit (`maxQueued`) have? The number left when its runs were last counted,
// less those planned since. A count is good for a moment, and for longer the longer it took, so that a tenant with a
// million waiting runs is not counted for each of its due times. Runs that come in by themselves meanwhile are not
// seen, so together they may exceed the limit by a little, as requests at the same moment may
// (libs/execution/intake/run-quota.ts).
import type { Database } from '#database/connection.js';
import type { Clock } from '#kernel/clock.js';
import type { TenantId } from '#kernel/ids.js';
import { countRunsOf, type DueSchedule } from './planning.repository.js';

/** Less than the planner pauses between two passes. */
const GOOD_MS = 900;
/** A million runs are counted in a tenth of a second, and then once in 6 seconds. */
const GOOD_MS_PER_RUN = 0.005;
const INTEGER_MAX = 2_147_483_647;

interface Counted {
  maxQueued: number;
  left: number;
  untilMs: number;
}

export class TenantPlaces {
  readonly #counted = new Map<TenantId, Counted>();

  constructor(private readonly clock: Clock) {}

  /** Tenants that have no place left, as far as is known. */
  full(): TenantId[] {
    const nowMs = this.clock.monotonicMs();
    for (const [id, { untilMs }] of this.#counted) if (untilMs <= nowMs) this.#counted.delete(id);
    return [...this.#counted].filter(([, { left }]) => left <= 0).map(([id]) => id);
  }

  /** Counts the tenants whose last count is no longer good. */
  async count(db: Database, schedules: readonly DueSchedule[]): Promise<void> {
    const limits = new Map<TenantId, number>();
    for (const { tenantId, maxQueued } of schedules) {
      if (maxQueued === null || this.#counted.get(tenantId)?.maxQueued === maxQueued) continue;
      limits.set(tenantId, maxQueued);
    }
    if (limits.size === 0) return;
    const asked = [...limits].map(([id, maxQueued]) => ({
      id,
      maxQueued: Math.min(INTEGER_MAX, Math.max(0, Math.floor(maxQueued))),
    }));
    for (const { id, count } of await countRunsOf(db, asked)) {
      const maxQueued = limits.get(id) ?? 0;
      const untilMs = this.clock.monotonicMs() + GOOD_MS + count * GOOD_MS_PER_RUN;
      this.#counted.set(id, { maxQueued, left: maxQueued - count, untilMs });
    }
  }

  /** Forgets all counts. */
  forget(): void {
    this.#counted.clear();
  }

  left(id: TenantId): number {
    return Math.max(0, Math.floor(this.#counted.get(id)?.left ?? 0));
  }

  take(id: TenantId, places: number): void {
    const counted = this.#counted.get(id);
    if (counted !== undefined) counted.left -= places;
  }
}
