// How is a schedule's spec written down? As JSON with ISO instants, one shape for the API and the table.
// It was checked when it came in, so reading it back only turns the instants into dates.
import { z } from 'zod';
import type { ScheduleSpec } from './decisions/due-times.js';

const bounds = { startAt: z.iso.datetime().optional(), endAt: z.iso.datetime().optional() };
const storedSpec = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('cron'), expression: z.string(), timeZone: z.string(), ...bounds }),
  z.strictObject({ kind: z.literal('every'), seconds: z.number(), anchorAt: z.iso.datetime(), ...bounds }),
  z.strictObject({ kind: z.literal('at'), at: z.iso.datetime() }),
  z.strictObject({ kind: z.literal('instants'), instants: z.array(z.iso.datetime()).min(1) }),
]);

export function writeSpec(spec: ScheduleSpec): object {
  switch (spec.kind) {
    case 'cron':
      return { ...spec, ...writtenBounds(spec) };
    case 'every':
      return { ...spec, anchorAt: spec.anchorAt.toISOString(), ...writtenBounds(spec) };
    case 'at':
      return { ...spec, at: spec.at.toISOString() };
    case 'instants':
      return { ...spec, instants: spec.instants.map((instant) => instant.toISOString()) };
  }
}

function writtenBounds({ startAt, endAt }: { startAt?: Date; endAt?: Date }) {
  return {
    ...(startAt === undefined ? {} : { startAt: startAt.toISOString() }),
    ...(endAt === undefined ? {} : { endAt: endAt.toISOString() }),
  };
}

function readBounds({ startAt, endAt }: { startAt?: string | undefined; endAt?: string | undefined }) {
  return {
    ...(startAt === undefined ? {} : { startAt: new Date(startAt) }),
    ...(endAt === undefined ? {} : { endAt: new Date(endAt) }),
  };
}

/** Throws when the table holds what no release of ours has written. */
export function parseSpec(stored: unknown): ScheduleSpec {
  const spec = storedSpec.parse(stored);
  switch (spec.kind) {
    case 'cron': {
      const { kind, expression, timeZone } = spec;
      return { kind, expression, timeZone, ...readBounds(spec) };
    }
    case 'every': {
      const { kind, seconds, anchorAt } = spec;
      return { kind, seconds, anchorAt: new Date(anchorAt), ...readBounds(spec) };
    }
    case 'at':
      return { ...spec, at: new Date(spec.at) };
    case 'instants':
      return { ...spec, instants: spec.instants.map((text) => new Date(text)) };
  }
}

/** Null when it can't be read. */
export function readSpec(stored: unknown): ScheduleSpec | null {
  return storedSpec.safeParse(stored).success ? parseSpec(stored) : null;
}
