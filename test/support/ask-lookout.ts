// What the leader's lookout asks, all at once.
import { askAll } from '#cluster/lookout/lookout.repository.js';
import type { Tx } from '#database/connection.js';
import { isAnyWaiting } from '#execution/intake/debounce/debounced.repository.js';
import { isAnyLease } from '#execution/leases/lease.repository.js';
import { isAnyEndable } from '#execution/run-actions/run-ending.repository.js';
import { isAnyChange } from '#scheduling/calendars/calendar-change.repository.js';
import { isAnyFailure } from '#scheduling/failing/failing.repository.js';
import { isAnyFollowing } from '#scheduling/following/following.repository.js';

const QUESTIONS = [isAnyLease, isAnyEndable, isAnyFailure, isAnyFollowing, isAnyChange, isAnyWaiting];

export const askLookout = (tx: Tx): Promise<boolean[]> => askAll(tx, QUESTIONS);
