// By what are schedules found? In the query of a list, and in the body of a request that acts on many.
import { z } from 'zod';
import type { ScheduleFilter } from '#scheduling/schedules/schedule-list.repository.js';
import { fewFields, resourceName } from '../../requests/shapes.js';
import { labelKey, labelValue } from './labels.shapes.js';

const LABELS_MAX = 20;
const NAME_PART_MAX = 100;
const LABEL = /^[a-z0-9._/-]{1,63}(:[^]{0,63})?$/;

const label = z
  .string()
  .regex(LABEL, 'expected a label as team:billing, or its key alone, as team, for any value');
const state = z.enum(['active', 'paused', 'ended']);
const namePart = z.string().min(1).max(NAME_PART_MAX);

export const filterQuery = {
  label: z
    .union([label, z.array(label).min(1).max(LABELS_MAX)])
    .optional()
    .describe('As team:billing, or team for any value. May be given several times: all must match.'),
  state: state.optional(),
  jobType: resourceName.optional(),
  q: namePart.optional().describe('A part of the name, in any case.'),
};

/** An empty one, for all schedules, must be said. */
export const filterInput = z.strictObject({
  labels: fewFields(z.record(labelKey, labelValue.nullable()), LABELS_MAX, 'labels')
    .optional()
    .describe('All must match; null stands for any value.'),
  state: state.optional(),
  jobType: resourceName.optional(),
  q: namePart.optional().describe('A part of the name, in any case.'),
});

type Query = z.output<z.ZodObject<typeof filterQuery>>;

export function filterOfQuery({ label: given = [], ...rest }: Query): ScheduleFilter {
  const texts = typeof given === 'string' ? [given] : given;
  return filterOf(rest, texts.map(labelOf));
}

export function filterOfBody({ labels = {}, ...rest }: z.output<typeof filterInput>): ScheduleFilter {
  return filterOf(
    rest,
    Object.entries(labels).map(([key, value]) => ({ key, value })),
  );
}

function filterOf(
  { state: wanted, jobType, q }: Omit<Query, 'label'>,
  labels: ScheduleFilter['labels'],
): ScheduleFilter {
  return { labels, state: wanted ?? null, jobType: jobType ?? null, nameHas: q ?? null };
}

function labelOf(text: string): { key: string; value: string | null } {
  const end = text.indexOf(':');
  return end < 0 ? { key: text, value: null } : { key: text.slice(0, end), value: text.slice(end + 1) };
}
