// Knows which runs are held, and counts those of each claim. Two of them may be the same run: a claim may take one again
// before this replica knows that it was put back. The earlier one is kept beside it until the settle loop reports its
// end, so runs are told apart by themselves, and not by their ids.
import type { ClaimId } from '#kernel/ids.js';
import { Bag } from '#execution/runs/bag.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { HeldRun } from './held-run.js';

export class HeldIndex {
  readonly #runs = new Bag<HeldRun>(({ run }) => run);
  readonly #ofClaim = new Map<ClaimId, number>();

  get size(): number {
    return this.#runs.size;
  }

  add(held: HeldRun): void {
    this.#runs.add(held);
    this.#ofClaim.set(held.run.claimId, this.leftInClaim(held.run.claimId) + 1);
  }

  has(held: HeldRun): boolean {
    return this.#runs.has(held);
  }

  /** Of exactly this claimed run; undefined when it is not held. */
  find(run: ClaimedRun): HeldRun | undefined {
    const held = this.#runs.at(run.place);
    return held?.run === run ? held : undefined;
  }

  /** Removes exactly this claimed run. */
  take(run: ClaimedRun): HeldRun | undefined {
    const held = this.find(run);
    if (held === undefined) return undefined;
    this.#runs.delete(held);
    const left = this.leftInClaim(run.claimId) - 1;
    if (left > 0) this.#ofClaim.set(run.claimId, left);
    else this.#ofClaim.delete(run.claimId);
    return held;
  }

  leftInClaim(claimId: ClaimId): number {
    return this.#ofClaim.get(claimId) ?? 0;
  }

  values(): HeldRun[] {
    return this.#runs.values();
  }

  clear(): void {
    this.#runs.clear();
    this.#ofClaim.clear();
  }
}
