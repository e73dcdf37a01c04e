// What if a lease is used before its row is written? A run whose call was answered 202 is parked within milliseconds, but
// the endpoint may be quicker still. So a young lease that is not there is looked for again for a while, and what is
// then said of it is that it came too early, not that it is lost.
import { randomUUID } from '#database/runtime/uuid.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { namedAtMs } from '#execution/leases/lease-token.js';
import type { LeaseId } from '#kernel/ids.js';
import type { LoopTimers } from '../../loop-timers.js';
import { ProblemError } from '../problems/problem.js';

const YOUNG_MS = 60_000;
const LOOK_MS = 100;
const LOOKS = 30;

/** Repeats `look` for a young lease until it finds something. */
export async function onceParked<Found>(
  timers: Pick<LoopTimers, 'rest'>,
  id: LeaseId,
  look: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  for (let looks = 0; ; looks += 1) {
    const found = await look();
    if (found !== undefined || looks >= LOOKS || !isYoung(id)) return found;
    await timers.rest(`lease-${randomUUID()}`, LOOK_MS);
  }
}

/** Of a lease that is not there, and of whose end nothing is known. */
export function unknownLease(id: LeaseId): ProblemError {
  if (!isYoung(id))
    return lostLease(
      'it has ended (without a heartbeat within 10 s of being taken, for one), or another worker has it',
    );
  return new ProblemError(
    'too-early',
    'expected the lease of a call that was answered 202, got a call whose answer has not arrived yet',
    { headers: { 'retry-after': '1' } },
  );
}

export function lostLease(why: string): ProblemError {
  return new ProblemError('lease-lost', `expected a lease that is held, got a lost one: ${why}`);
}

function isYoung(id: LeaseId): boolean {
  const at = namedAtMs(id);
  return at !== null && systemClock.now().getTime() - at < YOUNG_MS;
}
