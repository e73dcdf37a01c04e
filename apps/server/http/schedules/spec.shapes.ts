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

interface GivenSpec {
  spec: z.output<typeof oneSpec>;
  timeZone?: string | undefined;
}

/** An interval is counted from the second in which its spec was made. */
export function specOf({ spec, timeZone: zone }: GivenSpec, now: Date): ScheduleSpec {
  const everySeconds = spec.cron === undefined ? spec.everySeconds : secondsFrom(spec.cron);
  if (spec.cron !== undefined && everySeconds === undefined)
    return { kind: 'cron', expression: spec.cron, timeZone: zone ?? 'UTC' };
  if (zone !== undefined)
    throw invalidField(
      '/timeZone',
      `expected none, since only times of cron have a zone, got ${JSON.stringify(zone)}`,
    );
  if (everySeconds !== undefined) {
    return {
      kind: 'every',
      seconds: everySeconds,
      anchorAt: new Date(Math.floor(now.getTime() / 1_000) * 1_000),
    };
  }
  return { kind: 'at', at: new Date(spec.at ?? '') };
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
  timeZone?: string | null | undefined;
}

/** Undefined when the patch leaves the spec as it is, also where it says the same again: an interval goes on counting. */
export function patchedSpec(
  patch: GivenPatch,
  current: ScheduleSpec | null,
  now: Date,
): ScheduleSpec | undefined {
  if (patch.spec !== undefined) {
    const isCron = patch.spec.cron !== undefined && secondsOfEvery(patch.spec.cron) === null;
    const kept = isCron && current?.kind === 'cron' ? current.timeZone : undefined;
    const zone = patch.timeZone === undefined ? kept : (patch.timeZone ?? undefined);
    const spec = specOf({ spec: patch.spec, timeZone: zone }, now);
    return current !== null && isSame(spec, current) ? undefined : spec;
  }
  if (patch.timeZone === undefined) return undefined;
  if (current === null)
    throw invalidField('/spec', 'expected a spec, since the stored one cannot be read, got none');
  if (current.kind === 'cron') return { ...current, timeZone: patch.timeZone ?? 'UTC' };
  if (patch.timeZone === null) return undefined;
  throw invalidField(
    '/timeZone',
    `expected none, since only times of cron have a zone, got ${JSON.stringify(patch.timeZone)}`,
  );
}

/** The instant from which an interval is counted does not matter. */
function isSame(spec: ScheduleSpec, current: ScheduleSpec): boolean {
  if (spec.kind === 'every') return current.kind === 'every' && spec.seconds === current.seconds;
  return isDeepStrictEqual(spec, current);
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
  };
  return pointers[field] ?? `/spec/${field}`;
}

export function showSpec(spec: ScheduleSpec) {
  switch (spec.kind) {
    case 'cron':
      return { cron: spec.expression };
    case 'every':
      return { everySeconds: spec.seconds };
    case 'at':
      return { at: spec.at };
  }
}
