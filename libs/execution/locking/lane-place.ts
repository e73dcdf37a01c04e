// The place in line of a lane, which the first of its runs has taken.
import type { HeldRun } from '#execution/held/held-run.js';
import { isSuspect } from '#execution/held/quarantine.js';
import type { NeededLock } from '#execution/limits/decisions/lane-rules.js';
import { laneKey } from '#execution/runs/decisions/lane.js';
import type { StandingRun } from './decisions/next-look.js';

export interface LanePlace extends StandingRun {
  held: HeldRun;
  locks: readonly NeededLock[];
  /** While the answer is under way, it is not for a look to say what becomes of it. */
  isAsking: boolean;
}

/** A run that may have killed its replica waits apart from its lane. */
export function placeKey(held: HeldRun): string {
  return isSuspect(held) ? held.run.id : laneKey(held.run);
}

export function haveSame(one: readonly NeededLock[], other: readonly NeededLock[]): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/** As the database's function names it. */
export function holderOf({ run }: HeldRun): string {
  return `run ${run.id}/${run.attempt}`;
}

export function standing({ held, locks, ticket }: LanePlace) {
  return { request: { tenantId: held.run.tenantId, wishes: locks }, ticket };
}
