// What becomes of a lease that has run out? A pure table. An offer that nobody took goes back untouched; a
// worker that went silent has lost the attempt; one that took too long has failed it, as a handler would have;
// and a run that nobody wants any more is over, whoever had it.

export interface ExpiredLease {
  state: 'offered' | 'taken';
  /** The run's deadline has come. */
  isPastDeadline: boolean;
  /** The attempt's timeout has come. */
  hasTimedOut: boolean;
  cancelRequested: boolean;
}

export type LeaseVerdict = 'expire' | 'cancel' | 'release' | 'time-out' | 'lose';

export function verdictOf({
  state,
  isPastDeadline,
  hasTimedOut,
  cancelRequested,
}: ExpiredLease): LeaseVerdict {
  if (cancelRequested) return 'cancel';
  if (isPastDeadline) return 'expire';
  if (state === 'offered') return 'release';
  return hasTimedOut ? 'time-out' : 'lose';
}
