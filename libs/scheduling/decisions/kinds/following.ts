// Schedules whose due times follow from runs: so long after the end of their own last one, or so long after each
// success of another schedule. When they are due can't be computed from the spec; the rows of runs say it
// (libs/scheduling/following).
import { inOrder } from './instants.js';

export const DELAY_SECONDS_MAX = 31_536_000;

/** `seconds` after the end of the run of the due time before. */
export interface AfterEnd {
  kind: 'delay';
  seconds: number;
}

/** `seconds` after each success of a run that the other schedule's due time made. */
export interface AfterSuccess {
  kind: 'follow';
  /** Its name. */
  schedule: string;
  seconds: number;
}

export type Following = AfterEnd | AfterSuccess;

export function followsRuns<Spec extends { kind: string }>(
  spec: Spec,
): spec is Extract<Spec, { kind: 'delay' | 'follow' }> {
  return spec.kind === 'delay' || spec.kind === 'follow';
}

type Bounded = Following & { startAt?: Date; endAt?: Date };

/** The first due time of a new spec, which follows from no run; null where all of them do, and where none will come. */
export function firstOfChain(spec: Bounded, now: Date): Date | null {
  if (spec.kind === 'follow' || isOver(spec, now)) return null;
  // What was due at the very instant of a change belongs to the spec before.
  const soon = new Date(now.getTime() + 1);
  return spec.startAt !== undefined && spec.startAt > soon ? spec.startAt : soon;
}

export function isOver({ endAt }: Bounded, now: Date): boolean {
  return endAt !== undefined && endAt < now;
}

/** By which a planner decides: the due times that are known by now, as instants. */
export function plannedBy<Spec extends { kind: string }>(
  spec: Spec,
  { nextDueAt, later }: { nextDueAt: Date; later: readonly Date[] },
): Exclude<Spec, { kind: 'delay' | 'follow' }> | { kind: 'instants'; instants: Date[] } {
  if (followsRuns(spec))
    return { kind: 'instants', instants: inOrder([nextDueAt, ...later.filter((at) => at > nextDueAt)]) };
  // What is neither of the two is one of the others.
  return spec as Exclude<Spec, { kind: 'delay' | 'follow' }>;
}
