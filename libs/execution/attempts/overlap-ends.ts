// Ends what must not overlap: due runs whose schedule or concurrency key is running already, as its policy says, and a
// running run that a later one replaces. The owner of the slot decides that when a run is due, by what runs here and
// elsewhere. A run that goes on elsewhere, with a worker or a former owner, is asked to end through the database.
import type { Incarnation } from '#cluster/membership/membership.js';
import type { RunId, Slot, TenantId } from '#kernel/ids.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import { haveSameKey, type Occupancy } from '#execution/limits/occupancy.js';
import { cancelRuns } from '#execution/run-actions/run-ending.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { Executor } from './executor.js';
import type { RunningAttempts } from './running-attempts.js';

interface ToCancel {
  tenantId: TenantId;
  slot: Slot;
  ids: RunId[];
}

export interface OverlapParts {
  held: HeldRuns;
  running: RunningAttempts;
  executor: Executor;
  occupancy: Occupancy;
}

export class OverlapEnds {
  #elsewhere: ToCancel[] = [];

  constructor(private readonly parts: OverlapParts) {}

  /** Call it once the due runs were taken that may start. */
  endOverlapping(): void {
    const { held, executor } = this.parts;
    const { dropped, replaces } = held.takeOverlapping();
    for (const run of dropped) executor.endBeforeStart(run, 'overlap');
    for (const run of replaces) this.#replace(run);
  }

  /** Those of a failed call are tried again by the next one. */
  async cancelElsewhere({ db }: Incarnation): Promise<void> {
    for (let next = this.#elsewhere[0]; next !== undefined; next = this.#elsewhere[0]) {
      await cancelRuns(db, next);
      if (this.#elsewhere[0] === next) this.#elsewhere.shift();
    }
  }

  /** The incarnation is over, and with it all that it decided. */
  clear(): void {
    this.#elsewhere = [];
  }

  #replace(later: ClaimedRun): void {
    const { running, executor, occupancy } = this.parts;
    const replaced = running.all().filter(({ held: { run } }) => haveSameKey(run, later));
    for (const { held } of replaced) executor.replace(held, later);
    const ids = occupancy.elsewhereWithKeyOf(later);
    if (ids.length > 0) this.#elsewhere.push({ tenantId: later.tenantId, slot: later.slot, ids });
  }
}
