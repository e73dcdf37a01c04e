// Does every lease that has run out end in the way that its worker deserves?
import { expect, it } from 'vitest';
import { verdictOf, type ExpiredLease, type LeaseVerdict } from './lease-verdict.js';

const nothing: ExpiredLease = {
  state: 'taken',
  isPastDeadline: false,
  hasTimedOut: false,
  cancelRequested: false,
};

it.each<[string, Partial<ExpiredLease>, LeaseVerdict]>([
  ['a worker that went silent', {}, 'lose'],
  ['a worker that took too long', { hasTimedOut: true }, 'time-out'],
  ['an offer that nobody took', { state: 'offered' }, 'release'],
  ['an offer of a run that was cancelled', { state: 'offered', cancelRequested: true }, 'cancel'],
  ['a silent worker of a run that was cancelled', { cancelRequested: true }, 'cancel'],
  ['a slow worker of a run that was cancelled', { cancelRequested: true, hasTimedOut: true }, 'cancel'],
  ['an offer whose run came to its deadline', { state: 'offered', isPastDeadline: true }, 'expire'],
  ['a worker whose run came to its deadline', { isPastDeadline: true, hasTimedOut: true }, 'expire'],
])('%s', (_, wish, verdict) => {
  expect(verdictOf({ ...nothing, ...wish })).toBe(verdict);
});
