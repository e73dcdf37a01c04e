// What becomes of a lease that has run out? A pure table. An offer that no worker took goes back untouched. A worker
// that went silent has lost the attempt. A worker that took too long has failed it, as a handler would have. A run that
// was cancelled or has expired is over, whether or not a worker had it.

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
