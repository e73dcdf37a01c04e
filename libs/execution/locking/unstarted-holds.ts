// Which runs may hold their locks and do not start? An answer was lost, this replica stood still, or a rate refused them in
// a moment in which nothing could be given back. Such a run keeps its holds and finds them when it is due again. But it must
// not keep them from the run that is the first of its lane by now: that one would wait for it, and it behind that one,
// for ever. Nor may it keep them where its queue is paused meanwhile.
import type { HeldRun } from '#execution/held/held-run.js';

const KEEP_MS = 2_000;

export class UnstartedHolds {
  /** When each was asked for last, by this process's monotonic clock; those that have started are forgotten later. */
  readonly #askedMs = new Map<HeldRun, number>();

  noteAsked(due: readonly HeldRun[], nowMs: number): void {
    for (const held of due) this.#askedMs.set(held, nowMs);
  }

  forget(runs: readonly HeldRun[]): void {
    for (const held of runs) this.#askedMs.delete(held);
  }

  clear(): void {
    this.#askedMs.clear();
  }

  /** Those whose holds are to be given back before these are asked for, of which each knows its lane. */
  astray(
    due: readonly HeldRun[],
    { laneOf, nowMs }: { laneOf: (held: HeldRun) => string; nowMs: number },
  ): HeldRun[] {
    const firsts = new Map(due.toReversed().map((held) => [laneOf(held), held]));
    const asked = new Set(due);
    this.forget([...this.#askedMs.keys()].filter((held) => held.state !== 'waiting' && !asked.has(held)));
    return [...this.#askedMs].flatMap(([held, askedMs]) => {
      const first = firsts.get(laneOf(held));
      const isLate = !asked.has(held) && askedMs + KEEP_MS <= nowMs;
      return isLate || (first !== undefined && first !== held) ? [held] : [];
    });
  }

  /** When the next one has kept its holds for too long. */
  nextMs(): number {
    const waiting = [...this.#askedMs].filter(([{ state }]) => state === 'waiting');
    return Math.min(Number.POSITIVE_INFINITY, ...waiting.map(([, askedMs]) => askedMs + KEEP_MS));
  }
}
