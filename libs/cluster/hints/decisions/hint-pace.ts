// When may the next hint be sent? NOTIFY takes a lock over the whole database, so each replica sends at most so many a
// second: half of them may go at once, and come back at the pace of the other half. Hints that must wait are sent
// together. (The generic cell rate algorithm, ITU-T I.371, with a burst.)

export interface HintPace {
  /** Never more than this in any second; at least 1. */
  perSecond: number;
  /** The theoretical arrival time: up to when the hints that were sent have used up the pace. */
  spentUntilMs: number;
}

/** 0 when a hint may be sent now. */
export function hintWaitMs({ perSecond, spentUntilMs }: HintPace, nowMs: number): number {
  const burst = Math.max(1, Math.floor(perSecond / 2));
  return Math.max(0, spentUntilMs - (burst - 1) * spacingMs(perSecond) - nowMs);
}

/** The theoretical arrival time once a hint is sent. */
export function afterHint({ perSecond, spentUntilMs }: HintPace, nowMs: number): number {
  return Math.max(spentUntilMs, nowMs) + spacingMs(perSecond);
}

function spacingMs(perSecond: number): number {
  return 2_000 / perSecond;
}
