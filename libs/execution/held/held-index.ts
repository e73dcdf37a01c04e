// Which run is held under this id? The one that was taken last. A run that we have put back may be taken again before we
// hear that putting it back has succeeded; then the one before is kept beside it until the settler says what became of it.
import type { RunId } from '#kernel/ids.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { HeldRun } from './held-run.js';

export class HeldIndex {
  readonly #runs = new Map<RunId, HeldRun>();
  readonly #takenAgain = new Set<HeldRun>();

  get size(): number {
    return this.#runs.size;
  }

  add(held: HeldRun): void {
    const before = this.#runs.get(held.run.id);
    if (before !== undefined) this.#takenAgain.add(before);
    this.#runs.set(held.run.id, held);
  }

  find(id: RunId): HeldRun | undefined {
    return this.#runs.get(id);
  }

  /** Whether this very claimed run is held, be it beside one that was taken later. */
  holds(run: ClaimedRun): boolean {
    return this.#runs.get(run.id)?.run === run || [...this.#takenAgain].some((each) => each.run === run);
  }

  /** Takes out what is held of this claimed run. */
  take(run: ClaimedRun): HeldRun | undefined {
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
  }
}
