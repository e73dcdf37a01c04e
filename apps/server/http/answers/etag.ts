// Has the caller seen the resource that it is about to change? A change must name the revision that it is based on, as
// a strong ETag in If-Match; `*` means "any revision".
import { applyDecorators } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { show } from '../problems/field-errors.js';
import { ProblemError } from '../problems/problem.js';

/** Describes the header in the OpenAPI document. */
export const ApiIfMatch = () =>
  ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'The ETag that was read, or * for any revision.',
    schema: { type: 'string' },
  });

/** Describes the headers of a PUT, which need neither. */
export const ApiApplies = () =>
  applyDecorators(
    ApiHeader({
      name: 'If-Match',
      required: false,
      description: 'The ETag that was read, or * for any revision: only replaces.',
      schema: { type: 'string' },
    }),
    ApiHeader({
      name: 'If-None-Match',
      required: false,
      description: '*: only creates.',
      schema: { type: 'string' },
    }),
  );

export function etagOf(revision: number): string {
  return `"${revision}"`;
}

/** Null for `*`. Throws a problem when the header is missing, or can be no ETag of ours. */
export function revisionOf(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined) {
    throw new ProblemError(
      'precondition-required',
      'expected an If-Match header with the ETag that was read (or *), got none',
    );
  }
  if (ifMatch.trim() === '*') return null;
  const [, revision] = /^\s*"(\d{1,15})"\s*$/.exec(ifMatch) ?? [];
  if (revision === undefined) throw noEtag(ifMatch);
  return Number(revision);
}

/** Not a 412, which says that reading again helps. */
function noEtag(ifMatch: string): ProblemError {
  const detail = `expected one ETag like "3", as it was read, or *, got ${show(ifMatch)}`;
  return new ProblemError('bad-request', `If-Match: ${detail}`, {
    errors: [{ pointer: 'If-Match', detail }],
  });
}

/** `sent` is null for `*`: then two changes raced, and the other one came first. */
export function staleRevision({ current, sent }: { current: number; sent: number | null }): ProblemError {
  const got = sent === null ? '*, but another change came first' : etagOf(sent);
  const remedy = 'read the resource again, then repeat the change';
  const detail = `expected If-Match to be ${etagOf(current)}, got ${got}; ${remedy}`;
  return new ProblemError('etag-mismatch', detail, { currentRevision: current });
}

/** Whether an If-None-Match only lets the resource be created. */
export function isStar(ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const detail = `expected * or no such header, got ${JSON.stringify(ifNoneMatch).slice(0, 100)}`;
  throw new ProblemError('bad-request', `If-None-Match: ${detail}`, {
    errors: [{ pointer: 'If-None-Match', detail }],
  });
}

/** For a resource that an If-None-Match only lets be created, and that is there. */
export function alreadyThere(what: string, name: string, revision: number): ProblemError {
  const detail = `expected no ${what} named ${name}, as If-None-Match: * says, got one of revision ${revision}`;
  return new ProblemError('etag-mismatch', detail, { currentRevision: revision });
}
