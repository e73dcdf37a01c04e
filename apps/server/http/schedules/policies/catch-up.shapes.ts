// The shape of a catch-up policy in requests and answers: each mode has only the bounds that mean something to it.
import { z } from 'zod';
import { hasForms, modeForm } from '../../requests/shapes.js';
import { DEFAULT_CATCH_UP, type CatchUp } from '#scheduling/decisions/catch-up.js';

const CATCH_UP_SECONDS_MAX = 31_536_000;
const CATCH_UP_RUNS_MAX = 100;

export const catchUpInput = z
  .strictObject({
    mode: z
      .enum(['none', 'latest', 'all'])
      .describe(
        'Which due times that passed in an outage still run: none, the latest, or all within bounds.',
      ),
    withinSeconds: z
      .int()
      .min(1)
      .max(CATCH_UP_SECONDS_MAX)
      .optional()
      .describe('A due time that is older does not run any more. Default: 86400, a day.'),
    max: z
      .int()
      .min(1)
      .max(CATCH_UP_RUNS_MAX)
      .optional()
      .describe(`With mode all: at most so many run, the newest. Default: ${CATCH_UP_RUNS_MAX}.`),
  })
  .superRefine(({ mode, withinSeconds, max }, context) => {
    const refuse = (field: string, modes: string): void =>
      context.addIssue({ code: 'custom', path: [field], message: `expected it only with mode ${modes}` });
    if (withinSeconds !== undefined && mode === 'none') refuse('withinSeconds', 'latest or all');
    if (max !== undefined && mode !== 'all') refuse('max', 'all');
  })
  .meta(
    hasForms(
      modeForm(['none']),
      modeForm(['latest'], ['withinSeconds']),
      modeForm(['all'], ['withinSeconds', 'max']),
    ),
  )
  .transform(({ mode, withinSeconds = DEFAULT_CATCH_UP.withinSeconds, max = CATCH_UP_RUNS_MAX }): CatchUp => {
    if (mode === 'none') return { mode };
    return mode === 'latest' ? { mode, withinSeconds } : { mode, withinSeconds, max };
  });

export const catchUp = z.object({
  mode: z.enum(['none', 'latest', 'all']),
  withinSeconds: z.int().optional(),
  max: z.int().optional(),
});
