// Finds a held run by its id, and counts the held runs of each claim. Of two with one id it finds the one taken last: a
// claim may take a run again before this replica knows that it was put back. The earlier one is then kept beside it until
// the settle loop reports its end.
import type { ClaimId, RunId } from '#kernel/ids.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { HeldRun } from './held-run.js';

export class HeldIndex {
  readonly #runs = new Map<RunId, HeldRun>();
  readonly #takenAgain = new Set<HeldRun>();
  readonly #ofClaim = new Map<ClaimId, number>();

  get size(): number {
    return this.#runs.size;
  }

  add(held: HeldRun): void {
    const before = this.#runs.get(held.run.id);
    if (before !== undefined) this.#takenAgain.add(before);
    this.#runs.set(held.run.id, held);
    this.#ofClaim.set(held.run.claimId, this.leftInClaim(held.run.claimId) + 1);
  }

  find(id: RunId): HeldRun | undefined {
    return this.#runs.get(id);
  }

  /** Whether exactly this claimed run is held, possibly beside one that was taken later. */
  holds(run: ClaimedRun): boolean {
    return this.#runs.get(run.id)?.run === run || [...this.#takenAgain].some((each) => each.run === run);
  }

  /** Removes exactly this claimed run. */
  take(run: ClaimedRun): HeldRun | undefined {
    const taken = this.#takeOut(run);
    if (taken === undefined) return undefined;
    const left = this.leftInClaim(run.claimId) - 1;
    if (left > 0) this.#ofClaim.set(run.claimId, left);
    else this.#ofClaim.delete(run.claimId);
    return taken;
  }

  leftInClaim(claimId: ClaimId): number {
    return this.#ofClaim.get(claimId) ?? 0;
  }

  #takeOut(run: ClaimedRun): HeldRun | undefined {
    const held = this.#runs.get(run.id);
    if (held?.run === run) {
      this.#runs.delete(run.id);
      return held;
    }
    const before = [...this.#takenAgain].find((each) => each.run === run);
    if (before !== undefined) this.#takenAgain.delete(before);
    return before;
  }

  values(): MapIterator<HeldRun> {
    return this.#runs.values();
  }

  clear(): void {
    this.#runs.clear();
    this.#takenAgain.clear();
    this.#ofClaim.clear();
  }
}
