// Remembers which tenants crowd the planner, for as long as they do and a little longer. They are planned behind all
// others and in small portions, so that their backlog makes no other tenant late.
import type { Clock } from '#kernel/clock.js';
import type { TenantId } from '#kernel/ids.js';
import { crowdersOf } from '#scheduling/decisions/crowders.js';

/** A tenant whose crowd comes again each second is not forgotten in between. */
const REMEMBERED_MS = 10_000;

export class Crowd {
  readonly #untilMs = new Map<TenantId, number>();

  constructor(private readonly clock: Clock) {}

  tenants(): TenantId[] {
    const nowMs = this.clock.monotonicMs();
    for (const [id, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(id);
    return [...this.#untilMs.keys()];
  }

  /** A pass left due times for the next one; `fires` counts what it wrote for each tenant. */
  noteFullPass(fires: ReadonlyMap<TenantId, number>): void {
    const untilMs = this.clock.monotonicMs() + REMEMBERED_MS;
    for (const id of crowdersOf(fires)) this.#untilMs.set(id, untilMs);
  }
}
