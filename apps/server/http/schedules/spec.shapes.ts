// The shape of a schedule's spec in requests and answers: one of cron, everySeconds, rrule or at, or several of them in
// anyOf. The time zone and what happens at clock changes stand beside it, since only cron and rrule need them.
import { z } from 'zod';
import { boundsOf, zoneOf, type Rule, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { secondsOfEvery } from '#scheduling/decisions/every-text.js';
import { SPECS_MAX, SPECS_MIN } from '#scheduling/decisions/kinds/any-of.js';
import { INSTANTS_MAX, inOrder } from '#scheduling/decisions/kinds/instants.js';
import { MAX_FIRES_MAX } from '#scheduling/decisions/kinds/max-fires.js';
import { plainRrule } from '#scheduling/decisions/rrule/rrule-text.js';
import { invalidField, type ProblemError } from '../problems/problem.js';
import { hasForms, instant, instantInput, type Form } from '../requests/shapes.js';
import {
  chosenClockChanges,
  hasFixedHours,
  type clockChangesInput,
} from './policies/clock-changes.shapes.js';
import { calendarsInput, givenCalendars, namesIn } from './policies/calendars.shapes.js';
import { following, followingOf, isOneKind, showFollowing } from './policies/following.shapes.js';
import { followsRuns } from '#scheduling/decisions/kinds/following.js';
import type { CalendarNames } from '#scheduling/calendars/calendars.js';
import type { DraftSpec } from './computing/counts.js';

const EVERY_SECONDS_MAX = 31_536_000;

const rule = {
  cron: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      '5 fields, or 6 with seconds first. Names, L, W, # and nicknames such as @daily are allowed; `@every 1h30m` is everySeconds.',
    ),
  everySeconds: z.int().min(1).max(EVERY_SECONDS_MAX).optional(),
  rrule: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe(
      'RRULE of RFC 5545, daily to yearly, such as FREQ=MONTHLY;BYDAY=2TU;BYHOUR=9. Begins at startAt.',
    ),
  at: z
    .union([instantInput, z.array(instantInput).min(1).max(INSTANTS_MAX)])
    .optional()
    .describe('One instant, or a list of them in any order. To the millisecond: finer digits are cut off.'),
};
const RULE_FORMS: readonly Form[] = [
  { title: 'cron', required: ['cron'] },
  { title: 'interval', required: ['everySeconds'] },
  { title: 'recurrence', required: ['rrule'] },
  { title: 'instants', required: ['at'] },
];
const SPEC_FORMS: readonly Form[] = [
  ...RULE_FORMS,
  { title: 'any of several', required: ['anyOf'] },
  { title: 'after a success', required: ['afterSuccessOf'], optional: ['delaySeconds'] },
  { title: 'after its own end', required: ['delaySeconds'] },
];
const ruleInput = z
  .strictObject(rule)
  .refine(isOneKind, { error: 'expected exactly one of cron, everySeconds, rrule or at' })
  .meta(hasForms(...RULE_FORMS));
const anyOf = z
  .array(ruleInput)
  .min(SPECS_MIN)
  .max(SPECS_MAX)
  .optional()
  .describe('Due whenever one of them is, and once where several are. The bounds and the zone are for all.');
const specInput = z.strictObject({ ...rule, anyOf, ...following });
export const timeZone = z.string().min(1).max(100);
export const oneSpec = specInput
  .refine(isOneKind, {
    error:
      'expected exactly one of cron, everySeconds, rrule, at, anyOf, delaySeconds or afterSuccessOf (which takes delaySeconds, too)',
  })
  .meta({ id: 'ScheduleSpec', ...hasForms(...SPEC_FORMS) });
const shownRule = {
  cron: z.string().optional(),
  everySeconds: z.int().optional(),
  rrule: z.string().optional(),
  at: z.union([instant, z.array(instant)]).optional(),
};
export const shownSpec = z
  .object({
    ...shownRule,
    anyOf: z.array(z.object(shownRule).meta(hasForms(...RULE_FORMS))).optional(),
    ...following,
  })
  .meta({ id: 'ShownSpec', ...hasForms(...SPEC_FORMS) });
/** Since null removes a field, a patch may name the old kind of spec or omit it; one kind remains. */
export const specPatch = z
  .strictObject({
    cron: specInput.shape.cron.nullable(),
    everySeconds: specInput.shape.everySeconds.nullable(),
    rrule: specInput.shape.rrule.nullable(),
    at: specInput.shape.at.nullable(),
    anyOf: specInput.shape.anyOf.nullable(),
    afterSuccessOf: specInput.shape.afterSuccessOf.nullable(),
    delaySeconds: specInput.shape.delaySeconds.nullable(),
  })
  .transform((spec): unknown =>
    Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null)),
  )
  .pipe(oneSpec)
  .describe('Replaces the old spec.');

/** No due time lies before or after, or on a day that the calendars leave out. */
export const bounds = {
  startAt: instantInput.describe(
    'No due time lies before it. With everySeconds it is the first one, from which the others are counted.',
  ),
  endAt: instantInput.describe('No due time lies after it.'),
  maxFires: z
    .int()
    .min(1)
    .max(MAX_FIRES_MAX)
    .describe(
      'The greatest number of due times, with or without a run, counted from startAt, or else from the request on.',
    ),
  calendars: calendarsInput,
};

export interface GivenSpec {
  spec: z.output<typeof oneSpec>;
  timeZone?: string | undefined;
  clockChanges?: z.output<typeof clockChangesInput> | undefined;
  startAt?: string | undefined;
  endAt?: string | undefined;
  maxFires?: number | undefined;
  calendars?: CalendarNames | undefined;
}

/** An interval, or a recurrence, is counted from the second in which its spec was made, if it says no other. */
export function specOf(given: GivenSpec, now: Date): DraftSpec {
  const { spec, timeZone: zone, clockChanges, startAt, endAt, maxFires } = given;
  const calendars = givenCalendars(given.calendars);
  const between = {
    ...(startAt === undefined ? {} : { startAt: new Date(startAt) }),
    ...(endAt === undefined ? {} : { endAt: new Date(endAt) }),
  };
  const anchorAt = between.startAt ?? new Date(Math.floor(now.getTime() / 1_000) * 1_000);
  const ruleAt = (one: z.output<typeof ruleInput>, pointer: string): Rule =>
    ruleOf(one, { zone, clockChanges, anchorAt, pointer });
  const read =
    spec.anyOf === undefined
      ? (followingOf(spec) ?? ruleAt(spec, '/spec'))
      : {
          kind: 'anyOf' as const,
          specs: spec.anyOf.map((one, index) => ruleAt(one, `/spec/anyOf/${index}`)),
        };
  if (zoneOf(read) === null)
    refuse('/timeZone', zone, 'expected none, since only times of cron and rrule have a zone');
  if (!hasFixedHours(read))
    refuse('/clockChanges', clockChanges, 'expected none, since only fixed hours of cron have a choice');
  if (followsRuns(read)) {
    for (const [field, value] of Object.entries({ maxFires, calendars: calendars ?? undefined }))
      refuse(`/${field}`, value, 'expected none beside due times that follow from runs');
    return { spec: { ...read, ...between }, count: null, calendars: null };
  }
  if (read.kind !== 'at' && read.kind !== 'instants') {
    // From before startAt, so that a due time at it counts.
    const after = between.startAt === undefined ? now : new Date(between.startAt.getTime() - 1);
    const count = maxFires === undefined ? null : { maxFires, after };
    return { spec: { ...read, ...between }, count, calendars };
  }
  for (const [field, bound] of Object.entries({
    startAt,
    endAt,
    maxFires,
    calendars: calendars ?? undefined,
  }))
    refuse(`/${field}`, bound, 'expected none beside instants');
  return { spec: read, count: null, calendars: null };
}

function ruleOf(
  { cron, everySeconds, rrule, at }: z.output<typeof ruleInput>,
  { zone, clockChanges, anchorAt, pointer }: RuleContext,
): Rule {
  const seconds = cron === undefined ? everySeconds : secondsFrom(cron, `${pointer}/cron`);
  if (seconds !== undefined) return { kind: 'every', seconds, anchorAt };
  if (cron !== undefined) {
    const chosen = chosenClockChanges(clockChanges, cron);
    return { kind: 'cron', expression: cron, timeZone: zone ?? 'UTC', ...chosen };
  }
  if (rrule !== undefined)
    return { kind: 'rrule', rule: plainRrule(rrule), timeZone: zone ?? 'UTC', anchorAt };
  if (Array.isArray(at)) return { kind: 'instants', instants: inOrder(at.map((text) => new Date(text))) };
  return { kind: 'at', at: new Date(at ?? '') };
}

interface RuleContext {
  zone: string | undefined;
  clockChanges: GivenSpec['clockChanges'];
  anchorAt: Date;
  pointer: string;
}

function refuse(pointer: string, given: unknown, expected: string): void {
  if (given !== undefined) throw invalidField(pointer, `${expected}, got ${JSON.stringify(given)}`);
}

/** Undefined for an expression of cron. */
function secondsFrom(cron: string, pointer: string): number | undefined {
  const seconds = secondsOfEvery(cron);
  if (seconds === null) return undefined;
  if (seconds >= 1 && seconds <= EVERY_SECONDS_MAX) return seconds;
  throw invalidField(
    pointer,
    `expected @every with 1 to ${EVERY_SECONDS_MAX} seconds, written like 1d, 1h30m or 90s, got ${JSON.stringify(cron)}`,
  );
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
  const [, place = '', inner = field] = /^(anyOf\/\d+\/)(.+)$/.exec(field) ?? [];
  if (['timeZone', 'clockChanges', 'startAt', 'endAt', 'maxFires', 'calendars'].includes(inner))
    return `/${inner}`;
  const names: Readonly<Record<string, string>> = {
    expression: 'cron',
    seconds: 'everySeconds',
    every: 'everySeconds',
  };
  return `/spec/${place}${names[inner] ?? inner}`;
}

export function showSpec(spec: ScheduleSpec): z.output<typeof oneSpec> {
  if (followsRuns(spec)) return showFollowing(spec);
  return spec.kind === 'anyOf' ? { anyOf: spec.specs.map(showRule) } : showRule(spec);
}

function showRule(spec: Rule): z.output<typeof ruleInput> {
  switch (spec.kind) {
    case 'cron':
      return { cron: spec.expression };
    case 'every':
      return { everySeconds: spec.seconds };
    case 'rrule':
      return { rrule: spec.rule };
    case 'at':
      return { at: spec.at.toISOString() };
    case 'instants':
      return { at: spec.instants.map((instant) => instant.toISOString()) };
  }
}

export function showBounds(spec: ScheduleSpec | null) {
  const { startAt = null, endAt = null, counted } = spec === null ? {} : boundsOf(spec);
  return { startAt, endAt, maxFires: counted?.maxFires ?? null, calendars: spec && namesIn(spec) };
}
