// In which order are steps taken, and what becomes of one that fails?
import type { Request, RequestHandler, Response } from 'express';
import { expect, it } from 'vitest';
import { inTurn } from './steps.js';

const request = {} as Request;
const response = {} as Response;

/** What the way ended with, and the steps that were taken. */
async function ended(...failing: RequestHandler[]): Promise<{ error: unknown; taken: string[] }> {
  const taken: string[] = [];
  const step =
    (name: string): RequestHandler =>
    (_request, _response, next) => {
      taken.push(name);
      next();
    };
  const later: RequestHandler = async (_request, _response, next) => {
    await Promise.resolve();
    next();
  };
  const { promise, resolve } = Promise.withResolvers<unknown>();
  inTurn([step('first'), later, step('second'), ...failing, step('last')])(request, response, resolve);
  return { error: await promise, taken };
}

it('takes one step after the other, and then goes on', async () => {
  expect(await ended()).toEqual({ error: undefined, taken: ['first', 'second', 'last'] });
});

it.each<[string, RequestHandler]>([
  [
    'throws',
    () => {
      throw new Error('broke');
    },
  ],
  ['rejects', () => Promise.reject(new Error('broke'))],
  ['passes on an error', (_request, _response, next) => next(new Error('broke'))],
])('leaves out what comes after a step that %s', async (_, failing) => {
  expect(await ended(failing)).toEqual({ error: new Error('broke'), taken: ['first', 'second'] });
});

it('ends with what a later step throws, and not with the promise of the one before', async () => {
  const before: RequestHandler = async (_request, _response, next) => next();
  const broken: RequestHandler = () => {
    throw new Error('broke');
  };
  const ends: unknown[] = [];
  inTurn([before, broken])(request, response, (error?: unknown) => ends.push(error));
  await new Promise(setImmediate);
  expect(ends).toEqual([new Error('broke')]);
});
