// Which due times does a schedule get from successes of another? Each success is one, so long after it. No two are the
// same instant, since the ledger has one row for each (I1): one of two in the same millisecond is due a millisecond
// later.

export interface NotedSuccess {
  dueAt: Date;
  startAt: Date | null;
  endAt: Date | null;
}

/** Null where it lies before the beginning or after the end; `taken` has milliseconds, and gets the new one. */
export function place({ dueAt, startAt, endAt }: NotedSuccess, taken: Set<number>): Date | null {
  let ms = dueAt.getTime();
  while (taken.has(ms)) ms += 1;
  if ((startAt !== null && ms < startAt.getTime()) || (endAt !== null && ms > endAt.getTime())) return null;
  taken.add(ms);
  return new Date(ms);
}
