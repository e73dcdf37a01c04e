// What a caller of locks is told by errors.

/** Others held the locks for as long as the caller was ready to wait, or no replica answered. */
export class LockNotAcquired extends Error {
  override readonly name = 'LockNotAcquired';
}

/**
 * The reason of a hold's signal: its lease has ended, or will have ended before another renewal can be trusted. Others may
 * hold the locks.
 */
export class LockLost extends Error {
  override readonly name = 'LockLost';
}
