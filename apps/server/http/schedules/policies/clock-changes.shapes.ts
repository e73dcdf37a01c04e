// The shape of what a schedule of fixed hours does on days of clock changes, in requests and answers. What a request
// leaves out is the default, and a patch is merged with what was there.
import { z } from 'zod';
import { readCron } from '#scheduling/decisions/cron-dialect.js';
import { DEFAULT_CLOCK_CHANGES, type ClockChanges } from '#scheduling/decisions/cron-times.js';
import { orNull } from '../../requests/shapes.js';
import { rulesOf, type ScheduleSpec } from '#scheduling/decisions/due-times.js';

const gap = z
  .enum(['after', 'skip'])
  .describe(
    'A time of day that the clock leaves out is due at the first instant after the gap (the default), or not on that day.',
  );
const repeat = z
  .enum(['first', 'both'])
  .describe('A time of day that the clock shows twice is due the first time (the default), or both times.');

export const clockChanges = z.object({ gap, repeat });
export const clockChangesInput = z.strictObject({ gap: orNull(gap), repeat: orNull(repeat) });
export const clockChangesPatch = z.strictObject({
  gap: gap.nullable().optional(),
  repeat: repeat.nullable().optional(),
});

type Given = z.output<typeof clockChangesInput>;

/** Nothing for the default, which replicas of an earlier version can read, and for a rhythm. */
export function chosenClockChanges(
  given: Given | null | undefined,
  expression: string,
): { clockChanges?: ClockChanges } {
  if (!given || !namesTimesOfDay(expression)) return {};
  const { gap: inGap = DEFAULT_CLOCK_CHANGES.gap, repeat: ofRepeat = DEFAULT_CLOCK_CHANGES.repeat } = given;
  const isDefault = inGap === DEFAULT_CLOCK_CHANGES.gap && ofRepeat === DEFAULT_CLOCK_CHANGES.repeat;
  return isDefault ? {} : { clockChanges: { gap: inGap, repeat: ofRepeat } };
}

/** Null, for all or for one of the two, means the default. */
export function patchedClockChanges(
  patch: z.output<typeof clockChangesPatch> | null | undefined,
  current: ScheduleSpec | null,
): Given | undefined {
  if (patch === null) return undefined;
  const kept = current === null ? undefined : chosenIn(current);
  if (patch === undefined) return kept;
  const merged = { ...kept, ...patch };
  return { gap: merged.gap ?? undefined, repeat: merged.repeat ?? undefined };
}

/** Null where there is no choice. */
export function showClockChanges(spec: ScheduleSpec | null): ClockChanges | null {
  if (spec === null || !hasFixedHours(spec)) return null;
  return chosenIn(spec) ?? DEFAULT_CLOCK_CHANGES;
}

/** Whether one of its rules names times of day. */
export function hasFixedHours(spec: ScheduleSpec): boolean {
  return rulesOf(spec).some((rule) => rule.kind === 'cron' && namesTimesOfDay(rule.expression));
}

/** All rules with fixed hours have the same choice. */
function chosenIn(spec: ScheduleSpec): ClockChanges | undefined {
  return rulesOf(spec).flatMap((rule) => (rule.kind === 'cron' ? (rule.clockChanges ?? []) : []))[0];
}

export function namesTimesOfDay(expression: string): boolean {
  const reading = readCron(expression);
  return reading.ok && reading.fields.namesTimesOfDay;
}
