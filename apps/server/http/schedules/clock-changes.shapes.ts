// The shape of what a schedule of fixed hours does on days of clock changes, in requests and answers. What a request
// leaves out is the default, and a patch is merged with what was there.
import { z } from 'zod';
import { readCron } from '#scheduling/decisions/cron-dialect.js';
import { DEFAULT_CLOCK_CHANGES, type ClockChanges } from '#scheduling/decisions/cron-times.js';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';

const gap = z
  .enum(['after', 'skip'])
  .describe(
    'A time of day that the clock leaves out is due at the first instant after the gap (the default), or not on that day.',
  );
const overlap = z
  .enum(['first', 'both'])
  .describe('A time of day that the clock shows twice is due the first time (the default), or both times.');

export const clockChanges = z.object({ gap, overlap });
export const clockChangesInput = z.strictObject({ gap: gap.optional(), overlap: overlap.optional() });
export const clockChangesPatch = z.strictObject({
  gap: gap.nullable().optional(),
  overlap: overlap.nullable().optional(),
});

type Given = z.output<typeof clockChangesInput>;

/**
 * Nothing for the default: replicas of an earlier version can read such a spec. For a rhythm it is kept as it was given,
 * so that it is refused.
 */
export function chosenClockChanges(
  given: Given | undefined,
  expression: string,
): { clockChanges?: ClockChanges } {
  if (given === undefined) return {};
  const { gap: inGap = DEFAULT_CLOCK_CHANGES.gap, overlap: inOverlap = DEFAULT_CLOCK_CHANGES.overlap } =
    given;
  const isDefault = inGap === DEFAULT_CLOCK_CHANGES.gap && inOverlap === DEFAULT_CLOCK_CHANGES.overlap;
  if (isDefault && namesTimesOfDay(expression)) return {};
  return { clockChanges: { gap: inGap, overlap: inOverlap } };
}

/** Null, for all or for one of the two, means the default. */
export function patchedClockChanges(
  patch: z.output<typeof clockChangesPatch> | null | undefined,
  current: ScheduleSpec | null,
  expression: string | undefined,
): Given | undefined {
  if (patch === null) return undefined;
  const isKept = current?.kind === 'cron' && expression !== undefined && namesTimesOfDay(expression);
  const kept = isKept ? current.clockChanges : undefined;
  if (patch === undefined) return kept;
  const merged = { ...kept, ...patch };
  return { gap: merged.gap ?? undefined, overlap: merged.overlap ?? undefined };
}

/** Null where there is no choice. */
export function showClockChanges(spec: ScheduleSpec | null): ClockChanges | null {
  if (spec?.kind !== 'cron' || !namesTimesOfDay(spec.expression)) return null;
  return spec.clockChanges ?? DEFAULT_CLOCK_CHANGES;
}

function namesTimesOfDay(expression: string): boolean {
  const reading = readCron(expression);
  return reading.ok && reading.fields.namesTimesOfDay;
}
