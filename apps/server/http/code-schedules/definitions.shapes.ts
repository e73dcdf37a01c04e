// The shape of schedules that a worker's code defines, by their job types.
import { z } from 'zod';
import { resourceName } from '../requests/shapes.js';
import { scheduleInput } from '../schedules/schedule.shapes.js';

const JOB_TYPES_MAX = 200;
const SCHEDULES_MAX = 200;

export const definedSchedule = scheduleInput.omit({ jobType: true });
export type DefinedSchedule = z.output<typeof definedSchedule>;

const jobTypes = z
  .array(
    z.strictObject({
      name: resourceName,
      schedules: z.array(definedSchedule).max(SCHEDULES_MAX).default([]),
    }),
  )
  .min(1)
  .max(JOB_TYPES_MAX);

export const definitionsInput = z.strictObject({
  jobTypes: jobTypes.describe(
    'All job types of the worker: schedules of theirs that were defined in code and are not named are removed from code.',
  ),
});
export type DefinitionsInput = z.output<typeof definitionsInput>;

export const defined = z
  .object({
    againSeconds: z.int().describe('Send the same again after so long: a minute later it counts as removed.'),
    refused: z
      .array(z.object({ schedule: z.string(), detail: z.string() }))
      .describe('Those that could not be made or changed now, with the reason.'),
  })
  .meta({ id: 'DefinedSchedules' });
