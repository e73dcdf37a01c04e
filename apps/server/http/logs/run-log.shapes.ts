// The shape of a line of a run's log.
import { z } from 'zod';
import { LOG_LEVELS } from '#execution/reports/run-log-line.js';
import { inDigits } from '../answers/in-digits.js';
import { instant } from '../requests/shapes.js';

const logLine = z
  .object({
    seq: z.int().describe('Grows from line to line, with gaps.'),
    at: instant,
    attempt: z.int(),
    replica: z.int().nullable().describe('Where the attempt ran; distinguishes the lines of a lost attempt.'),
    level: z.enum(LOG_LEVELS),
    message: z.string(),
    fields: z.looseObject({}).nullable(),
  })
  .meta({ id: 'LogLine' });

export const logPage = z.object({
  items: z.array(logLine),
  nextAfter: z.int().describe('Send it as `after` to read on.'),
  ended: z.boolean().describe('True if the run has ended and no more lines will follow.'),
});

const seq = inDigits(z.int().min(0));

export const logQuery = z.strictObject({
  after: seq.default(0).describe('Only lines with a higher `seq`.'),
  limit: inDigits(z.int().min(1).max(1_000)).default(200),
});
export type LogQuery = z.output<typeof logQuery>;

/** Sent by a client that reconnects: the id of the last event that it has seen. */
export const lastEventId = seq.catch(0);
