// What does the server refuse although it is well? Any statement for a while, for reasons that say nothing about it and
// pass; and the results of some runs whenever they are sent, because of what is in them. Soon after a result was refused,
// while its batch is being narrowed down, connections may be lost as well.
import type { Broken } from './broken-protocols.js';
import { drawLoss, type Loss } from './connection-loss.js';
import { failures } from './postgres-error.js';
import type { SeededRandom } from './seeded-random.js';
import { listed } from './statements/meaning.js';
import { plainEndsOf } from './statements/plain-ends.js';

/** How long a refused result goes on being followed by lost connections. */
const AFTERMATH_MS = 1_000;

export class Refusals {
  /** How likely a statement is refused for a reason that passes. */
  chance = 0;
  /** How likely a connection is lost with a statement soon after a result was refused. */
  lossChance = 0;
  /** Runs whose results are refused. */
  readonly results = new Set<string>();
  #refusedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly random: SeededRandom,
    private readonly broken: Broken,
  ) {}

  /** Null when the server does what it is asked for. */
  draw(name: string, params: readonly unknown[], nowMs: number): Error | null {
    if (this.#isRefusedResult(name, params)) {
      this.#refusedAtMs = nowMs;
      return failures.valueRefused();
    }
    if (this.chance === 0 || !this.random.chance(this.chance)) return null;
    if (this.broken.has('refusals that pass are taken for the fault of a run'))
      return failures.valueRefused();
    return (this.random.pick(PASSING) ?? failures.canceled)();
  }

  drawLoss(text: string, nowMs: number): Loss {
    return nowMs < this.#refusedAtMs + AFTERMATH_MS ? drawLoss(this.random, this.lossChance, text) : 'none';
  }

  end(): void {
    this.chance = 0;
    this.lossChance = 0;
    this.results.clear();
  }

  #isRefusedResult(name: string, params: readonly unknown[]): boolean {
    if (this.results.size === 0 || (name !== 'finishRuns' && name !== 'settleEnds')) return false;
    const { ids, outcomes } = name === 'settleEnds' ? plainEndsOf(params) : finishedOf(params);
    return ids.some((id, index) => this.results.has(id) && outcomes[index] !== 'failed');
  }
}

function finishedOf([ids, , , outcomes]: readonly unknown[]): { ids: string[]; outcomes: string[] } {
  return { ids: listed(ids as string), outcomes: listed(outcomes as string) };
}

const PASSING = [
  failures.canceled,
  failures.diskFull,
  failures.outOfMemory,
  failures.deadlock,
  failures.lockTimeout,
];
