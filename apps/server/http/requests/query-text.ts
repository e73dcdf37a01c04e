// Are the escapes of a query UTF-8? Node's parser replaces invalid bytes by U+FFFD and keeps a stray percent sign, so
// a list would be filtered by a value that the caller did not mean, and find nothing. As in a path, such escapes are
// refused, naming their parameter, before any route sees the request.
import type { RequestHandler } from 'express';
import { shortPlace } from '#kernel/json/json-pointer.js';
import { ProblemError } from '../problems/problem.js';

const SHOWN_LENGTH_MAX = 100;

export const requireUtf8Query: RequestHandler = ({ originalUrl }, _response, next): void => {
  const start = originalUrl.indexOf('?');
  const pairs = start === -1 ? [] : originalUrl.slice(start + 1).split('&');
  const unread = pairs.find((pair) => decoded(pair) === null);
  next(unread === undefined ? undefined : noText(unread));
};

function noText(pair: string): ProblemError {
  const [escaped = ''] = pair.split('=', 1);
  const pointer = shortPlace(`?${decoded(escaped) ?? escaped}`);
  const got = pair.length > SHOWN_LENGTH_MAX ? `${pair.slice(0, SHOWN_LENGTH_MAX)}…` : pair;
  const detail = `expected a parameter whose percent-escapes are UTF-8, got ${got}`;
  return new ProblemError('bad-request', `${pointer}: ${detail}`, { errors: [{ pointer, detail }] });
}

function decoded(escaped: string): string | null {
  try {
    return decodeURIComponent(escaped.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
