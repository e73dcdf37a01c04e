// The shape of what became of a schedule's due times before that of a run, for the run's own route and its lease's.
import { z } from 'zod';
import { instant } from '../requests/shapes.js';

export const previousFire = z
  .object({
    previousDueAt: instant.nullable().describe('The latest due time before whose run has started.'),
    missedCount: z.int().describe('Due times since then that were skipped, coalesced or missed.'),
    isComplete: z
      .boolean()
      .describe('False when there may be more: beyond 10,000, or of an outage that is not decided yet.'),
  })
  .meta({ id: 'PreviousFire' });
