// Remembers which tenants crowd the planner, for as long as they do and a little longer. They are planned behind all
// others, in small parts and in turns, so that their backlog makes no other tenant late.
import type { Clock } from '#kernel/clock.js';
import type { TenantId } from '#kernel/ids.js';
import { crowdersOf, partsOf, PARTS_MAX, type Part } from '#scheduling/planning/decisions/crowders.js';

/** A tenant whose crowd comes again each second is not forgotten in between. */
const REMEMBERED_MS = 10_000;

export class Crowd {
  /** In the order of their turns. */
  readonly #untilMs = new Map<TenantId, number>();

  constructor(
    private readonly clock: Clock,
    private readonly limits: { crowdersFrom: number; firesOfCrowd: number },
  ) {}

  tenants(): TenantId[] {
    const nowMs = this.clock.monotonicMs();
    for (const [id, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(id);
    return [...this.#untilMs.keys()];
  }

  /** What may be planned of the crowd until the others are looked at again. The next round begins with other tenants. */
  nextRound(): Part[] {
    const crowd = this.tenants();
    for (const id of crowd.slice(0, PARTS_MAX - 1)) {
      const untilMs = this.#untilMs.get(id);
      if (untilMs === undefined) continue;
      this.#untilMs.delete(id);
      this.#untilMs.set(id, untilMs); // behind the others
    }
    return partsOf(crowd, this.limits.firesOfCrowd);
  }

  /** A pass left due times for the next one; `fires` counts what it wrote for each tenant. */
  noteFullPass(fires: ReadonlyMap<TenantId, number>): void {
    const untilMs = this.clock.monotonicMs() + REMEMBERED_MS;
    for (const id of crowdersOf(fires, this.limits.crowdersFrom)) this.#untilMs.set(id, untilMs);
  }
}
