// Is this answer a problem as the API promises them? One check for every error in every test: RFC 9457's
// form, the type that the test names, and ids that lead from the answer to the log.
import type { Response } from 'supertest';
import { expect } from 'vitest';
import type { z } from 'zod';
import { problem, ProblemError, type ProblemType } from '#server/http/problems/problem.js';

export type Problem = z.output<typeof problem>;

export function expectProblem(response: Response, type: ProblemType): Problem {
  const { status, title } = new ProblemError(type, '');
  expect({ status: response.status, type: response.type, body: response.body as unknown }).toMatchObject({
    status,
    type: 'application/problem+json',
    body: { type: `/problems/${type}`, title, status, code: type.toUpperCase().replaceAll('-', '_') },
  });
  const answer = problem.parse(response.body);
  expect(answer.detail).not.toBe('');
  expect(answer.requestId).toBe(response.headers['x-request-id']);
  const { origin, href } = new URL(response.request.url);
  expect(new URL(`${origin}${answer.instance}`).href.replace(/\?$/, '')).toBe(href.replace(/\?$/, ''));
  return answer;
}

/** A refused field says what was expected and what was got; resolves with the named places. */
export function expectFields(response: Response): string[] {
  const { errors = [] } = expectProblem(response, 'validation-failed');
  for (const { detail } of errors) expect(detail).toMatch(/expected.*, got /i);
  return errors.map(({ pointer }) => pointer);
}
