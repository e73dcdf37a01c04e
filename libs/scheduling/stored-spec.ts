// How is a schedule's spec written down? As JSON with ISO instants, one shape for the API and the table.
// It was checked when it came in, so reading it back only turns the instants into dates.
import { z } from 'zod';
import type { ScheduleSpec } from './decisions/due-times.js';

const storedSpec = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('cron'), expression: z.string(), timeZone: z.string() }),
  z.strictObject({ kind: z.literal('every'), seconds: z.number(), anchorAt: z.iso.datetime() }),
  z.strictObject({ kind: z.literal('at'), at: z.iso.datetime() }),
]);

export function writeSpec(spec: ScheduleSpec): object {
  switch (spec.kind) {
    case 'cron':
      return spec;
    case 'every':
      return { ...spec, anchorAt: spec.anchorAt.toISOString() };
    case 'at':
      return { ...spec, at: spec.at.toISOString() };
  }
}

/** Throws when the table holds what no release of ours has written. */
export function parseSpec(stored: unknown): ScheduleSpec {
  const spec = storedSpec.parse(stored);
  switch (spec.kind) {
    case 'cron':
      return spec;
    case 'every':
      return { ...spec, anchorAt: new Date(spec.anchorAt) };
    case 'at':
      return { ...spec, at: new Date(spec.at) };
  }
}

/** Null when it can't be read. */
export function readSpec(stored: unknown): ScheduleSpec | null {
  return storedSpec.safeParse(stored).success ? parseSpec(stored) : null;
}
