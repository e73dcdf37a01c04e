// How long may the end of an attempt wait for others, to be written with them? A message and a commit cost as much for one
// end as for ten. An end waits only where others are to be expected meanwhile, and only if nothing waits for it.
import type { RunTransition } from '#execution/runs/decisions/run-transition.js';

/** How long an end waits at most. */
const LINGER_MS = 20;
/** The run of a due time has no caller. A crash loses the log lines of a quarter of a second as well. */
const LINGER_OF_FIRE_MS = 250;
/** So many ends have company enough. */
export const COMPANY_MAX = 100;
/** A silence says no more than that it was one. */
const GAP_MAX_MS = 1_000;
/** The mean goes over about the last 20 ends. */
const WEIGHT = 0.05;

/** How fast ends have come of late. */
export interface Pace {
  lastAtMs: number;
  /** The mean time from one end to the next. */
  gapMs: number;
}

export const NO_PACE: Pace = { lastAtMs: Number.NEGATIVE_INFINITY, gapMs: GAP_MAX_MS };

/** After one more end. */
export function nextPace({ lastAtMs, gapMs }: Pace, nowMs: number): Pace {
  const gap = Math.min(GAP_MAX_MS, nowMs - lastAtMs);
  return { lastAtMs: nowMs, gapMs: gapMs + WEIGHT * (gap - gapMs) };
}

export interface AttemptEnd {
  becomes: RunTransition['kind'];
  isOfFire: boolean;
  /** Locks are released with it, which others may wait for. */
  hasLocks: boolean;
  /** The next run with its unique key may come as soon as the world hears of its work. */
  freesKey: boolean;
  /** A caller waits for the run. */
  isAwaited: boolean;
  /** The replica holds as many runs, of the lane or the tenant, as it may: the next is claimed when this end is written. */
  makesRoom: boolean;
  /** The slot is another's by now, who counts the run until its end is written. */
  isCountedElsewhere: boolean;
}

/** 0 for at once. */
export function lingerMsOf(end: AttemptEnd, { gapMs }: Pace): number {
  // Any other goes on, here or elsewhere.
  const isOver = end.becomes === 'finish' || end.becomes === 'recorded';
  const isWaitedFor =
    end.hasLocks || end.freesKey || end.isAwaited || end.makesRoom || end.isCountedElsewhere;
  if (!isOver || isWaitedFor) return 0;
  return ifCompany(end.isOfFire ? LINGER_OF_FIRE_MS : LINGER_MS, gapMs);
}

/** How long the start of a fire may wait to be written: no longer than its end might. */
export function startLingerMs({ gapMs }: Pace): number {
  return ifCompany(LINGER_OF_FIRE_MS, gapMs);
}

function ifCompany(lingerMs: number, gapMs: number): number {
  return gapMs <= lingerMs ? lingerMs : 0;
}
