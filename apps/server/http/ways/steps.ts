// How does a request pass the steps before its route? Express could call each by itself, but looks at the path and at its
// own place before each of them; over a dozen steps that costs as much as the steps.
import type { NextFunction, Request, RequestHandler, Response } from 'express';

export type Way = (request: Request, response: Response, next: NextFunction) => void;

/** One after the other, as Express calls them: what one throws, or passes to `next`, leaves the others out. */
export function inTurn(steps: readonly RequestHandler[]): Way {
  return (request, response, done) => {
    let place = 0;
    const next = (error?: unknown): void => {
      const step = error ? undefined : steps[place++];
      if (step === undefined) return done(error);
      try {
        const under: unknown = step(request, response, next);
        if (under instanceof Promise) void passOn(under, done);
      } catch (thrown) {
        done(thrown);
      }
    };
    next();
  };
}

async function passOn(under: Promise<unknown>, done: NextFunction): Promise<void> {
  try {
    await under;
  } catch (error) {
    done(error);
  }
}
