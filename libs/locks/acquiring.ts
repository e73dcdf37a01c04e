// Acquires locks for a caller, once. What the database refuses about a semaphore is told as a value: which, and why.
import { isLockTimeout } from '#database/error-kind.js';
import type { Database } from '#database/connection.js';
import { acquireLocks, type AcquireRequest, type Waiting } from './acquiring.repository.js';
import type { LockHold } from './lock.js';
import { findSemaphores } from './semaphore.repository.js';

export type Misfit =
  { kind: 'no-semaphore'; name: string } | { kind: 'too-few-permits'; name: string; permits: number };

export type Acquisition =
  | { kind: 'held'; holds: LockHold[] }
  /** The caller stands in line. */
  | { kind: 'waits'; ticket: number }
  /** Others hold a lock, or stand in line for it; nothing was acquired, and the caller does not wait. */
  | { kind: 'taken' }
  /** An open transaction has tried one of the locks; who holds it is known when that has ended. */
  | { kind: 'undecided' }
  | Misfit;

export async function acquire(
  db: Database,
  request: AcquireRequest,
  waiting: Waiting | null,
): Promise<Acquisition> {
  try {
    const got = await acquireLocks(db, request, waiting);
    if (got === null) return { kind: 'taken' };
    return 'holds' in got ? { kind: 'held', holds: got.holds } : { kind: 'waits', ticket: got.ticket };
  } catch (error) {
    if (isLockTimeout(error)) return { kind: 'undecided' };
    const misfit = await misfitOf(db, request);
    if (misfit === null) throw error;
    return misfit;
  }
}

/** The first wish for permits that no semaphore can ever meet; null if there is none. */
export async function misfitOf(
  db: Database,
  { tenantId, wishes }: Pick<AcquireRequest, 'tenantId' | 'wishes'>,
): Promise<Misfit | null> {
  const forPermits = wishes.filter(({ mode }) => mode === 'permits');
  if (forPermits.length === 0) return null;
  const names = forPermits.map(({ name }) => name);
  const found = new Map((await findSemaphores(db, { tenantId, names })).map((each) => [each.name, each]));
  for (const { name, permits } of forPermits) {
    const semaphore = found.get(name);
    if (semaphore === undefined) return { kind: 'no-semaphore', name };
    if (semaphore.permits < permits) return { kind: 'too-few-permits', name, permits: semaphore.permits };
  }
  return null;
}
