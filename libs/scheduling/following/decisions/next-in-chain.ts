// When is a schedule due next that waits for the end of its last run? So long after that end, or after the decision
// that a due time gets no run. Not while a run of it is unfinished, and not while it is paused: a chain goes on where a
// pause ends.

export interface ChainFacts {
  /** A due time's run has not ended, or waits for its instant. */
  isRunning: boolean;
  /** Due times were left behind, and get their rows later: none of them runs. */
  isLeftBehind: boolean;
  /** The latest due time of the ledger; null if there is none. */
  last: {
    dueAt: Date;
    decidedAt: Date;
    /** When its run ended; null if it has none, or its row is kept no longer. */
    endedAt: Date | null;
    hasRun: boolean;
  } | null;
  delaySeconds: number;
  startAt: Date | null;
  endAt: Date | null;
  /** When its spec was made, or it was resumed, or a pause with an end ends. */
  notBefore: Date | null;
  /** Until a request resumes it. */
  isPausedWithoutEnd: boolean;
}

/** Null while it waits, and when it is never due again. */
export function nextInChain(facts: ChainFacts, now: Date): Date | null {
  if (facts.isRunning || facts.isPausedWithoutEnd) return null;
  const earliest = Math.max(+(facts.startAt ?? 0), +(facts.notBefore ?? 0));
  const next = new Date(Math.max(afterLast(facts, now).getTime(), earliest));
  return facts.endAt !== null && next > facts.endAt ? null : next;
}

function afterLast({ last, isLeftBehind, delaySeconds }: ChainFacts, now: Date): Date {
  if (last === null && !isLeftBehind) return now;
  const since = isLeftBehind || last === null ? now : overSince(last, now);
  // A run may end, or be given up, before its due time: the next one lies behind that all the same.
  return new Date(Math.max(+since, last === null ? 0 : +last.dueAt) + delaySeconds * 1_000);
}

function overSince({ endedAt, hasRun, decidedAt }: NonNullable<ChainFacts['last']>, now: Date): Date {
  return endedAt ?? (hasRun ? now : decidedAt);
}
