// How does a database failure look to the program? As node-postgres shows it: with an SQLSTATE when the
// server could still say why, and with a message only when the connection just broke.
class PostgresError extends Error {
  override readonly name = 'error';

  constructor(
    message: string,
    readonly code: string,
  ) {
    super(message);
  }
}

export const failures = {
  refused: () => new PostgresError('connect ECONNREFUSED 10.0.0.1:5432', 'ECONNREFUSED'),
  startingUp: () => new PostgresError('the database system is starting up', '57P03'),
  terminated: () => new PostgresError('terminating connection due to administrator command', '57P01'),
  silentTooLong: () => new PostgresError('terminating connection due to idle-session timeout', '57P05'),
  idleInTransaction: () =>
    new PostgresError('terminating connection due to idle-in-transaction timeout', '25P03'),
  broken: () => new Error('Connection terminated unexpectedly'),
  lockTimeout: () => new PostgresError('canceling statement due to lock timeout', '55P03'),
  statementTimeout: () => new PostgresError('canceling statement due to statement timeout', '57014'),
  canceled: () => new PostgresError('canceling statement due to user request', '57014'),
  diskFull: () => new PostgresError('could not extend file: No space left on device', '53100'),
  outOfMemory: () => new PostgresError('out of memory', '53200'),
  valueRefused: () => new PostgresError('value out of range', '22003'),
  unheardEnd: () =>
    new PostgresError('the session has ended, and its client takes that for a refusal', 'XX000'),
  deadlock: () => new PostgresError('deadlock detected', '40P01'),
  transactionAborted: () => new PostgresError('current transaction is aborted', '25P02'),
};

export function isUnheardEnd(error: Error | undefined): error is Error {
  return error instanceof PostgresError && error.code === 'XX000';
}
