// How is a schedule's catch-up policy written down? As it is, and null for the default, so that a later release may
// choose a better one for schedules that never named any.
import { z } from 'zod';
import { DEFAULT_CATCH_UP, type CatchUp } from './decisions/catch-up.js';

const storedCatchUp = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('none') }),
  z.strictObject({ mode: z.literal('latest'), withinSeconds: z.number() }),
  z.strictObject({ mode: z.literal('all'), withinSeconds: z.number(), max: z.number() }),
]);

export function writeCatchUp(catchUp: CatchUp | null): string | null {
  return catchUp === null ? null : JSON.stringify(catchUp);
}

/** Throws when the table holds what no release of ours has written. */
export function parseCatchUp(stored: unknown): CatchUp {
  return stored === null ? DEFAULT_CATCH_UP : storedCatchUp.parse(stored);
}

/** Null when it can't be read. */
export function readCatchUp(stored: unknown): CatchUp | null {
  return stored === null || storedCatchUp.safeParse(stored).success ? parseCatchUp(stored) : null;
}
