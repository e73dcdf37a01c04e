// The shapes of a pause, and of its end, in requests.
import { z } from 'zod';
import { instantInput } from '../requests/shapes.js';

const REASON_CHARACTERS_MAX = 200;

const pauseReason = z.string().min(1).max(REASON_CHARACTERS_MAX);

export const pauseFields = {
  reason: pauseReason.nullable().optional().describe('Shown with the schedule.'),
  until: instantInput
    .nullable()
    .optional()
    .describe(
      'When the pause ends by itself: due times from then on run. Default: it lasts until the schedule is resumed.',
    ),
};

export const pauseInput = z.strictObject(pauseFields).prefault({});
export type PauseInput = z.output<typeof pauseInput>;

export const resumeFields = {
  catchUp: z
    .boolean()
    .default(false)
    .describe("Whether the schedule's catchUp makes up for what was due in the pause, as after an outage."),
};

export const resumeInput = z.strictObject(resumeFields).prefault({});
export type ResumeInput = z.output<typeof resumeInput>;
