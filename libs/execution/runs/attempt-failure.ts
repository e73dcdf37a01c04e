// What may a tenant read of an error thrown in a replica? The name and the message, which the author of the handler has
// written, and no stack: its frames are places in the operator's files. Some messages are not the author's: those of
// Node's sockets, files and modules hold addresses and paths, and those with which PostgreSQL ends a session name its
// users. A tenant gets only the code of such an error. The operator finds all of it in the log.
import { describeError, textOf } from '#client/jobs/thrown-error.js';
import type { AttemptError } from './decisions/run-transition.js';

const CODE_LENGTH_MAX = 60;
const MODULE_MISSING = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

/** Never throws, for any value. */
export function describeAttemptFailure(thrown: unknown): AttemptError {
  const { name, message } = describeError(thrown);
  return { name, message: messageInPlaceOf(thrown) ?? message };
}

/** Null for a message that an author wrote for this failure. */
function messageInPlaceOf(thrown: unknown): string | null {
  try {
    if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return null;
    const code = textOf(thrown.code, CODE_LENGTH_MAX);
    if (MODULE_MISSING.has(code)) return `a module could not be found (${code})`;
    // System errors have both properties, and an author's errors have neither.
    if ('errno' in thrown && 'syscall' in thrown)
      return `${textOf(thrown.syscall, CODE_LENGTH_MAX)} failed with ${code}`;
    if ('severity' in thrown && (thrown.severity === 'FATAL' || thrown.severity === 'PANIC'))
      return `the database refused or ended a session (${code})`;
    return null;
  } catch {
    return null;
  }
}
