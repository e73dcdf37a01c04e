// Is a change let through only on the revision that its author has read?
import { describe, expect, it } from 'vitest';
import { etagOf, revisionOf, staleRevision } from './etag.js';
import { ProblemError } from '../problems/problem.js';

function problemOf(act: () => unknown): ProblemError {
  try {
    act();
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error('expected a problem, got none');
}

describe('an ETag', () => {
  it.each([0, 1, 17, 999_999_999_999_999])('brings back the revision that it was made of: %d', (revision) => {
    expect(revisionOf(etagOf(revision))).toBe(revision);
  });

  it('may have spaces around it, as headers do', () => {
    expect(revisionOf(' "3" ')).toBe(3);
  });

  it('of * means whatever it is now', () => {
    expect([revisionOf('*'), revisionOf(' * ')]).toEqual([null, null]);
  });

  it('is demanded: without one it is a 428', () => {
    expect(problemOf(() => revisionOf(undefined))).toMatchObject({
      type: 'precondition-required',
      status: 428,
    });
  });

  it.each(['3', '"abc"', 'W/"3"', '"3", "4"', '""', '"-1"', '"1e3"', '', '"1234567890123456"'])(
    'that can be none of ours is told so, which is a 400: %s',
    (ifMatch) => {
      const problem = problemOf(() => revisionOf(ifMatch));
      expect(problem).toMatchObject({ type: 'bad-request', status: 400 });
      expect(problem.extras.errors).toMatchObject([{ pointer: 'If-Match' }]);
      expect(problem.message).toContain(`got ${JSON.stringify(ifMatch)}`);
    },
  );

  it('that is stale is answered with the one that would match now', () => {
    const problem = staleRevision({ current: 8, sent: 7 });
    expect(problem).toMatchObject({ type: 'etag-mismatch', status: 412, extras: { currentRevision: 8 } });
    expect(problem.message).toContain('expected If-Match to be "8", got "7"');
  });
});
