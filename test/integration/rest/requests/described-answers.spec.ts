// Would the comparison of every answer with the API's description find a wrong one?
import { describe, expect, it } from 'vitest';
import { wrongWith, type Answer } from '../../../support/described-answers.js';

const calendar = {
  name: 'holidays',
  dates: ['--12-25'],
  description: null,
  createdAt: '2026-11-21T08:30:00.000Z',
  updatedAt: '2026-11-21T08:30:00.000Z',
  revision: 1,
};
const right: Answer = {
  method: 'PUT',
  path: '/api/v1/tenants/acme/calendars/holidays',
  status: 201,
  type: 'application/json',
  headers: { 'x-request-id': 'r', etag: '"1"', location: '/api/v1/tenants/acme/calendars/holidays' },
  text: JSON.stringify(calendar),
  body: calendar,
};
const problem: Answer = {
  ...right,
  status: 404,
  type: 'application/problem+json',
  headers: { 'x-request-id': 'r' },
  body: {
    type: '/problems/not-found',
    title: 'Not found',
    status: 404,
    code: 'NOT_FOUND',
    detail: 'expected more',
    instance: '/',
    requestId: 'r',
  },
};
const without = (headers: Answer['headers'], name: string) =>
  Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));

describe('an answer', () => {
  it('that is as described passes', () => {
    expect(wrongWith(right)).toBeNull();
    expect(wrongWith(problem)).toBeNull();
    expect(
      wrongWith({ ...right, method: 'DELETE', status: 204, headers: { 'x-request-id': 'r' }, text: '' }),
    ).toBeNull();
  });

  it.each<[string, Answer, RegExp]>([
    ['another status', { ...right, status: 202 }, /status 202 is not described/],
    ['no ETag', { ...right, headers: without(right.headers, 'etag') }, /header etag is missing/],
    ['no Location', { ...right, headers: without(right.headers, 'location') }, /header location is missing/],
    ['a Location where none is told', { ...right, status: 200 }, /header location is not described/],
    ['no request id', { ...problem, headers: {} }, /header x-request-id is missing/],
    ['another type', { ...right, type: 'text/html' }, /type "text\/html" is not described/],
    ['a missing field', { ...right, body: { ...calendar, dates: undefined } }, /dates/],
    [
      'a field of another type',
      { ...right, body: { ...calendar, revision: '1' } },
      /revision must be integer/,
    ],
    ['an instant in another form', { ...right, body: { ...calendar, createdAt: '2026-11-21' } }, /createdAt/],
    ['a field that is not told', { ...right, body: { ...calendar, more: 1 } }, /more/],
    ['a problem without its code', { ...problem, body: { ...(problem.body as object), code: 1 } }, /code/],
    [
      'a body where none is told',
      { ...right, method: 'DELETE', status: 204, headers: { 'x-request-id': 'r' } },
      /no body/,
    ],
  ])('with %s does not', (_, answer, found) => {
    expect(wrongWith(answer)).toMatch(found);
  });
});
