// Runs that may have killed their replicas. A run that was lost in two deaths is suspected, so only one such run executes
// at a time in a replica: the next death tells it from runs that were merely beside it.
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { barrierOf } from '#execution/limits/decisions/lane-rules.js';
import type { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import type { Occupancy } from '#execution/limits/occupancy.js';
import { soonestLast, type HeldRun } from './held-run.js';

/** A run with this many losses is suspected of killing its replicas. */
const QUARANTINE_LOSSES = 2;

export function isSuspect({ run }: HeldRun): boolean {
  return run.losses >= QUARANTINE_LOSSES;
}

export class Quarantine {
  #waiting: HeldRun[] = [];
  #running: HeldRun | null = null;

  constructor(
    private readonly rules: LaneRulesBook,
    private readonly occupancy: Occupancy,
  ) {}

  add(held: HeldRun): void {
    this.#waiting.push(held);
    this.#waiting.sort(soonestLast);
  }

  /** It may start at once. */
  open(held: HeldRun): void {
    held.startAtMs = Number.NEGATIVE_INFINITY;
    this.#waiting.sort(soonestLast);
  }

  /** The suspect to start next, unless one runs already or a limit holds it back. */
  next(): HeldRun | undefined {
    if (this.#running !== null) return undefined;
    return this.#waiting.findLast(({ run }) => {
      const rules = this.rules.ofRun(run);
      return barrierOf(rules, () => this.occupancy.of(run), run.concurrencyKey !== null) === null;
    });
  }

  begin(suspect: HeldRun): void {
    this.#waiting.splice(this.#waiting.indexOf(suspect), 1);
    this.#running = suspect;
  }

  /** The run no longer executes; any other run than the suspect changes nothing. */
  end(held: HeldRun): void {
    if (held === this.#running) this.#running = null;
  }

  takeWhere(isWanted: (run: ClaimedRun) => boolean): HeldRun[] {
    const taken = this.#waiting.filter(({ run }) => isWanted(run));
    this.#waiting = this.#waiting.filter(({ run }) => !isWanted(run));
    return taken;
  }

  clear(): void {
    this.#waiting = [];
    this.#running = null;
  }
}
