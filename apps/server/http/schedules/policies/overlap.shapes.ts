// The shape of an overlap policy in requests and answers, and that it excludes a concurrency key of the user's.
import { z } from 'zod';
import type { Overlap } from '#kernel/schedule-key.js';
import { hasForms, modeForm } from '../../requests/shapes.js';
import { invalidField } from '../../problems/problem.js';

const WAITING_MAX = 1_000;

const modes = z
  .enum(['allow', 'skip', 'queue', 'replace'])
  .describe(
    'When it is due while a run of it is still running: run beside it, do not run, wait for it, or cancel it and run.',
  );

export const overlapInput = z
  .strictObject({
    mode: modes,
    max: z
      .int()
      .min(1)
      .max(WAITING_MAX)
      .optional()
      .describe('With mode queue: at most so many wait, and more do not run. Default: 1.'),
  })
  .superRefine(({ mode, max }, context) => {
    if (max !== undefined && mode !== 'queue')
      context.addIssue({ code: 'custom', path: ['max'], message: 'expected it only with mode queue' });
  })
  .meta(hasForms(modeForm(['allow', 'skip', 'replace']), modeForm(['queue'], ['max'])))
  .transform(({ mode, max = 1 }): Overlap => (mode === 'queue' ? { mode, max } : { mode }));

export const overlap = z.object({ mode: modes, max: z.int().optional() });

interface GivenKey {
  overlap?: Overlap | null | undefined;
  concurrencyKey?: string | null | undefined;
}

/** Throws a problem for a key beside a policy, of which either may be there before a patch. */
export function refuseKeyBesideOverlap(given: GivenKey, current: GivenKey = {}): void {
  const policy = given.overlap === undefined ? current.overlap : given.overlap;
  const key = given.concurrencyKey === undefined ? current.concurrencyKey : given.concurrencyKey;
  if ((policy?.mode ?? 'allow') === 'allow' || (key ?? null) === null) return;
  throw invalidField(
    given.concurrencyKey === undefined ? '/overlap' : '/concurrencyKey',
    `expected no concurrencyKey beside overlap ${policy?.mode}, since such runs have a key of their own, got ${JSON.stringify(key)}`,
  );
}
