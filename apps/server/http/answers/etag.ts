// Has the caller seen the resource that it is about to change? A change must name the revision that it is based on, as
// a strong ETag in If-Match; `*` means "any revision".
import { ApiHeader } from '@nestjs/swagger';
import { ProblemError } from '../problems/problem.js';

/** Describes the header in the OpenAPI document. */
export const ApiIfMatch = () =>
  ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'The ETag that was read, or * for any revision.',
    schema: { type: 'string' },
  });

export function etagOf(revision: number): string {
  return `"${revision}"`;
}

/** Null for `*`. Throws a problem when the header is missing or is no ETag of ours. */
export function revisionOf(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined) {
    throw new ProblemError(
      'precondition-required',
      'expected an If-Match header with the ETag that was read (or *), got none',
    );
  }
  if (ifMatch.trim() === '*') return null;
  const [, revision] = /^\s*"(\d{1,15})"\s*$/.exec(ifMatch) ?? [];
  if (revision === undefined) throw stale(`expected If-Match to be an ETag like "3", got ${ifMatch}`);
  return Number(revision);
}

/** `sent` is null for `*`: then two changes raced, and the other one came first. */
export function staleRevision({ current, sent }: { current: number; sent: number | null }): ProblemError {
  const got = sent === null ? '*, but another change came first' : etagOf(sent);
  const remedy = 'read the resource again, then repeat the change';
  return stale(`expected If-Match to be ${etagOf(current)}, got ${got}; ${remedy}`, current);
}

function stale(detail: string, currentRevision?: number): ProblemError {
  return new ProblemError('etag-mismatch', detail, currentRevision === undefined ? {} : { currentRevision });
}
