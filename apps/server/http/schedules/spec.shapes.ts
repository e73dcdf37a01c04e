// The shape of a schedule's spec in requests and answers: one of cron, everySeconds or at. The time zone stands beside it,
// since only cron needs one.
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { secondsOfEvery } from '#scheduling/decisions/every-text.js';
import { invalidField, type ProblemError } from '../problems/problem.js';
import { instantInput } from '../requests/shapes.js';

const EVERY_SECONDS_MAX = 31_536_000;

const specInput = z.strictObject({
  cron: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      '5 fields, or 6 with seconds first. Names, L, W, # and nicknames such as @daily are allowed; `@every 1h30m` is everySeconds.',
    ),
  everySeconds: z.int().min(1).max(EVERY_SECONDS_MAX).optional(),
  at: instantInput.optional(),
});
export const timeZone = z.string().min(1).max(100);
export const oneSpec = specInput.refine(
  (spec) => Object.values(spec).filter((value) => value !== undefined).length === 1,
  {
    error: 'expected exactly one of cron, everySeconds or at',
  },
);
/** Since null removes a field, a patch may name the old kind of spec or omit it; one kind remains. */
export const specPatch = z
  .strictObject({
    cron: specInput.shape.cron.nullable(),
    everySeconds: specInput.shape.everySeconds.nullable(),
    at: specInput.shape.at.nullable(),
  })
  .transform((spec): unknown =>
    Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null)),
  )
  .pipe(oneSpec)
  .describe('Replaces the old spec.');

/** No due time lies before or after; either may be one. */
export const bounds = {
  startAt: instantInput.describe(
    'No due time lies before it. With everySeconds it is the first one, from which the others are counted.',
  ),
  endAt: instantInput.describe('No due time lies after it.'),
};

interface GivenSpec {
  spec: z.output<typeof oneSpec>;
  timeZone?: string | undefined;
  startAt?: string | undefined;
  endAt?: string | undefined;
}

/** An interval is counted from the second in which its spec was made, if it says no other. */
export function specOf({ spec, timeZone: zone, startAt, endAt }: GivenSpec, now: Date): ScheduleSpec {
  const everySeconds = spec.cron === undefined ? spec.everySeconds : secondsFrom(spec.cron);
  const between = {
    ...(startAt === undefined ? {} : { startAt: new Date(startAt) }),
    ...(endAt === undefined ? {} : { endAt: new Date(endAt) }),
  };
  if (spec.cron !== undefined && everySeconds === undefined)
    return { kind: 'cron', expression: spec.cron, timeZone: zone ?? 'UTC', ...between };
  refuse('/timeZone', zone, 'expected none, since only times of cron have a zone');
  if (everySeconds !== undefined) {
    const anchorAt = between.startAt ?? new Date(Math.floor(now.getTime() / 1_000) * 1_000);
    return { kind: 'every', seconds: everySeconds, anchorAt, ...between };
  }
  refuse('/startAt', startAt, 'expected none beside a single instant');
  refuse('/endAt', endAt, 'expected none beside a single instant');
  return { kind: 'at', at: new Date(spec.at ?? '') };
}

function refuse(pointer: string, given: string | undefined, expected: string): void {
  if (given !== undefined) throw invalidField(pointer, `${expected}, got ${JSON.stringify(given)}`);
}

/** Undefined for an expression of cron. */
function secondsFrom(cron: string): number | undefined {
  const seconds = secondsOfEvery(cron);
  if (seconds === null) return undefined;
  if (seconds >= 1 && seconds <= EVERY_SECONDS_MAX) return seconds;
  throw invalidField(
    '/spec/cron',
    `expected @every with 1 to ${EVERY_SECONDS_MAX} seconds, written like 1d, 1h30m or 90s, got ${JSON.stringify(cron)}`,
  );
}

interface GivenPatch {
  spec?: z.output<typeof oneSpec> | undefined;
  /** Null removes these. */
  timeZone?: string | null | undefined;
  startAt?: string | null | undefined;
  endAt?: string | null | undefined;
}

/** Undefined when the patch leaves the spec as it is, also where it says the same again: an interval goes on counting. */
export function patchedSpec(
  patch: GivenPatch,
  current: ScheduleSpec | null,
  now: Date,
): ScheduleSpec | undefined {
  const { spec, timeZone: zone, startAt, endAt } = patch;
  if ([spec, zone, startAt, endAt].every((given) => given === undefined)) return undefined;
  return changedSpec(specOf(merged(patch, current), now), current);
}

/** Undefined when it says the same again: then an interval goes on counting from where it began. */
export function changedSpec(wanted: ScheduleSpec, current: ScheduleSpec | null): ScheduleSpec | undefined {
  const isCounting =
    wanted.kind === 'every' &&
    current?.kind === 'every' &&
    wanted.seconds === current.seconds &&
    wanted.startAt === undefined &&
    current.startAt === undefined;
  const next = isCounting ? { ...wanted, anchorAt: current.anchorAt } : wanted;
  return isDeepStrictEqual(next, current) ? undefined : next;
}

/** What the patch leaves out stays, as far as it fits the kind of spec. */
function merged({ spec, ...patch }: GivenPatch, current: ScheduleSpec | null): GivenSpec {
  if (spec === undefined && current === null)
    throw invalidField('/spec', 'expected a spec, since the stored one cannot be read, got none');
  const next = spec ?? (current === null ? {} : showSpec(current));
  const isCron = next.cron !== undefined && secondsOfEvery(next.cron) === null;
  const zone = isCron && current?.kind === 'cron' ? current.timeZone : undefined;
  const kept = next.at === undefined ? showBounds(current) : { startAt: null, endAt: null };
  return {
    spec: next,
    timeZone: pick(patch.timeZone, zone),
    startAt: pick(patch.startAt, kept.startAt?.toISOString()),
    endAt: pick(patch.endAt, kept.endAt?.toISOString()),
  };
}

function pick(patch: string | null | undefined, kept: string | undefined): string | undefined {
  return patch === undefined ? kept : (patch ?? undefined);
}

/** About a property of the spec as the product knows it. */
export function invalidSpec({
  field,
  expected,
  got,
}: {
  field: string;
  expected: string;
  got: string;
}): ProblemError {
  return invalidField(pointerOf(field), `expected ${expected}, got ${got}`);
}

function pointerOf(field: string): string {
  const pointers: Readonly<Record<string, string>> = {
    expression: '/spec/cron',
    cron: '/spec/cron',
    timeZone: '/timeZone',
    seconds: '/spec/everySeconds',
    every: '/spec/everySeconds',
    startAt: '/startAt',
    endAt: '/endAt',
  };
  return pointers[field] ?? `/spec/${field}`;
}

export function showSpec(spec: ScheduleSpec): z.output<typeof oneSpec> {
  switch (spec.kind) {
    case 'cron':
      return { cron: spec.expression };
    case 'every':
      return { everySeconds: spec.seconds };
    case 'at':
      return { at: spec.at.toISOString() };
  }
}

export function showBounds(spec: ScheduleSpec | null) {
  const { startAt = null, endAt = null } = spec === null || spec.kind === 'at' ? {} : spec;
  return { startAt, endAt };
}
