// Turns an error of Express's body parser into a problem. The parser reports where it failed; the problem names the
// expected and the received.
import type { Request } from 'express';
import { ProblemError } from './problem.js';

const READ_ENCODINGS = ['identity', 'gzip', 'deflate', 'br', 'zstd'];

/** Null for an error from elsewhere. Nest wraps a parser's error in an exception of its own, as its cause. */
export function unreadBody(cause: unknown, { headers }: Request): ProblemError | null {
  if (!(cause instanceof Error)) return null;
  const encoding = headers['content-encoding'] ?? 'identity';
  if (isOfUnpacking(cause)) {
    const detail = `expected a body in ${encoding}, as its Content-Encoding says, got other bytes: ${cause.message}`;
    return new ProblemError('bad-request', detail);
  }
  if (!('type' in cause)) return null;
  switch (cause.type) {
    case 'entity.parse.failed':
      return new ProblemError('malformed-json', `expected JSON, got something else: ${cause.message}`);
    case 'entity.too.large':
      return new ProblemError(
        'payload-too-large',
        `expected a body of at most ${'limit' in cause ? String(cause.limit) : ''} bytes, got more`,
      );
    case 'encoding.unsupported':
      return new ProblemError(
        'unsupported-media-type',
        `expected a Content-Encoding that is one of ${READ_ENCODINGS.join(', ')}, got ${JSON.stringify(encoding)}`,
      );
    case 'charset.unsupported':
      return new ProblemError(
        'unsupported-media-type',
        `expected a body in UTF-8, got one of the type ${headers['content-type'] ?? 'none'}`,
      );
    default:
      return null;
  }
}

/**
 * zlib, brotli and zstd errors have such a code (Z_DATA_ERROR, ERR__ERROR_FORMAT_…) and a number, but no system call.
 */
function isOfUnpacking(cause: Error): boolean {
  if (!('code' in cause && 'errno' in cause) || 'syscall' in cause) return false;
  return typeof cause.errno === 'number' && /^(Z_|ERR_|ZSTD_)/.test(String(cause.code));
}
