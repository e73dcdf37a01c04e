// The gaps that were left behind, and the loop that decides them (planning/gap-loop.ts): from the farthest past on, a few
// due times at a time, and of two gaps that cover the same time the older one first.
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import type { Gap, PlannedFire } from '#scheduling/decisions/planning.js';
import type { Standing } from '#scheduling/decisions/standing.js';
import type { Decisions } from './decisions.js';

/** Few, so that gaps are decided in pieces. */
const GAP_FIRES = 3;

export type LeftGap = Gap & Standing & { spec: ScheduleSpec };

export class PlayedGaps {
  readonly #left: LeftGap[] = [];

  leave(gap: LeftGap): void {
    this.#left.push(gap);
  }

  /** Until nothing is left. */
  *decideAll({ decideGap }: Pick<Decisions, 'decideGap'>): Generator<readonly PlannedFire[]> {
    for (let gap = this.#farthest(); gap !== undefined; gap = this.#farthest()) {
      const { fires, restFrom } = decideGap(gap, GAP_FIRES);
      yield fires;
      const rest = restFrom === null ? [] : [{ ...gap, from: restFrom }];
      this.#left.splice(this.#left.indexOf(gap), 1, ...rest);
    }
  }

  #farthest(): LeftGap | undefined {
    const isFormer = (former: LeftGap, gap: LeftGap) => former.from < gap.to && former.to > gap.from;
    const isFirst = (gap: LeftGap, index: number) =>
      !this.#left.slice(0, index).some((former) => isFormer(former, gap));
    return this.#left.filter(isFirst).toSorted((a, b) => +a.from - +b.from)[0];
  }
}
