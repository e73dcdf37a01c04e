// What does a database error say about the work it interrupted? Rejected: the server refused this statement, and will
// refuse it again; nothing happened. Passing: it could not do it now (cancelled, a lock not to be had, no room), and
// the same may go well later; nothing happened. Lost: there was no primary to ask, because none was reached or because
// the server is one no longer; nothing happened. Unknown: the connection broke while the server may have been
// committing, so it may have happened: read back before acting. An unclear error counts as unknown, because treating
// "it may have happened" as "it did not" runs work twice.

export type DatabaseErrorKind = 'rejected' | 'passing' | 'lost' | 'unknown';

/** SQLSTATEs that end the session while a commit may be on its way: class 57P0x, and 25P03 / 57P05 timeouts. */
const SESSION_ENDED = new Set(['57P01', '57P02', '57P04', '57P05', '25P03', '25P04']);
/** 40003 itself says that it is not known whether the statement was completed. */
const OUTCOME_UNKNOWN = '40003';
/** The server could not be entered at all: starting up, full, or shut for new sessions. */
const NOT_ADMITTED = new Set(['57P03', '53300', '08001', '08004']);
const NOT_REACHED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);
/** The driver and its pool report by message alone that they got no connection. */
const NOT_CONNECTED =
  /^(timeout exceeded when trying to connect|timeout expired$|Connection terminated due to connection timeout|There was an error establishing an SSL connection)/;
/**
 * Classes 40 (rolled back: serialization, deadlock), 53 (disk, memory, limits of the server), 58 (its files); and
 * objects in use, locks and cancellations.
 */
const PASSING = /^(40...|53...|58...|55006|55P03|57014)$/;
/** SQLSTATE classes 22 (data), 23 (constraints) and 54 (limits, such as nesting). */
const ABOUT_THE_VALUE = /^(22|23|54)...$/;
/** A standby cancels statements that are in the way of its replay, with the code of a serialization failure. */
const RECOVERY_CONFLICT =
  /^(ProcessInterrupts|ProcessRecoveryConflictInterrupts?|ResolveRecoveryConflict\w*)$/;
const REVALIDATION = 'RevalidateCachedQuery';
/** Every SQLSTATE has a digit; EPIPE and EBADF, which come from the socket, have none. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;
/** Node's names for failures of a socket or a resolver. Its own argument errors begin with ERR_. */
const SYSTEM_ERROR = /^E(?!RR_)[A-Z_]+$/;

export function databaseErrorKind(error: unknown): DatabaseErrorKind {
  const code = codeOf(error);
  if (code !== null && (NOT_ADMITTED.has(code) || NOT_REACHED.has(code))) return 'lost';
  if (isNoPrimary(error)) return 'lost';
  // A fatal error that does not end a running session has kept one from beginning: a wrong password, a database that is
  // closed for new sessions.
  if (code !== null && isFatal(error) && !endsSession(code)) return 'lost';
  if (error instanceof Error && NOT_CONNECTED.test(error.message)) return 'lost';
  if (code === null || endsSession(code) || code === OUTCOME_UNKNOWN) return 'unknown';
  if (PASSING.test(code) || isStalePlan(error) || isPreparedStatementMissing(error)) return 'passing';
  return SQLSTATE.test(code) ? 'rejected' : 'unknown';
}

/**
 * The written value is at fault, and would be refused whenever and wherever it is sent. Other errors say nothing about
 * the value.
 */
export function isAboutTheValue(error: unknown): boolean {
  return databaseErrorKind(error) === 'rejected' && ABOUT_THE_VALUE.test(codeOf(error) ?? '');
}

/** The server is no primary, or no longer: a standby, or set to read only. Another connection may lead to one. */
export function isNoPrimary(error: unknown): boolean {
  const code = codeOf(error);
  if (code === '25006') return true;
  return code === '40001' && RECOVERY_CONFLICT.test(routineOf(error));
}

/** True for errors of the database or the way to it; false for our own bugs, which must not be retried silently. */
export function isDatabaseError(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== null) return SQLSTATE.test(code) || SYSTEM_ERROR.test(code);
  return (
    error instanceof Error &&
    /connection terminated|timeout exceeded when trying to connect|timeout expired|read timeout|error establishing an SSL connection|Client has encountered a connection error|Client was closed/i.test(
      error.message,
    )
  );
}

/** A function of ours refused the session's isolation, may not be called by this login, or is not there. */
export function isNotCallable(error: unknown): boolean {
  const code = codeOf(error);
  return code === '25000' || code === '42501' || code === '42883';
}

export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === '23505';
}

/** A trigger of ours that raises it names what was expected to be there (migrations). */
export function isMissing(error: unknown, what: string): boolean {
  return (
    codeOf(error) === '23503' && error instanceof Error && 'constraint' in error && error.constraint === what
  );
}

/** A lock was not free within the time that lock_timeout allows. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === '55P03';
}

/** The server cancelled the statement: its time was up, or an administrator asked for it. */
export function isCancelled(error: unknown): boolean {
  return codeOf(error) === '57014';
}

/** A prepared statement would have other columns now than when it was prepared. Nothing has been done. */
export function isStalePlan(error: unknown): boolean {
  // The code only says "not supported", and the message may be in any language.
  return codeOf(error) === '0A000' && routineOf(error) === REVALIDATION;
}

/** The session is another than the one that prepared the statement, or has forgotten it. Nothing has been done. */
export function isPreparedStatementMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === '26000' || code === '42P05';
}

function endsSession(code: string): boolean {
  return SESSION_ENDED.has(code) || code.startsWith('08');
}

function isFatal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'severity' in error && error.severity === 'FATAL';
}

/** The server's function that raised it; unlike the message it does not depend on the language. */
function routineOf(error: unknown): string {
  return error instanceof Error && 'routine' in error && typeof error.routine === 'string'
    ? error.routine
    : '';
}

function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
