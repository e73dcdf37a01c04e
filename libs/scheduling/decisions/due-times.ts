// When is a schedule due? Due times follow from the specification alone, never from "now", from earlier fires or from
// the caller. So every replica, the preview and a later audit find the same ones, and a span cut in two has each due
// time once. cron-times.ts describes how cron expressions treat clock changes.
import { readCron } from './cron-dialect.js';
import { nextCronTime, type ClockChanges, type CronSpec } from './cron-times.js';
import { onOpenDays, type Calendars } from './calendars/open-days.js';
import { firstOf, SPECS_MAX, SPECS_MIN, type NextDue } from './kinds/any-of.js';
import { MAX_FIRES_MAX, type Counted } from './kinds/max-fires.js';
import { DELAY_SECONDS_MAX, followsRuns, type AfterEnd, type AfterSuccess } from './kinds/following.js';
import { searchedCron, searchedRrule } from './kinds/searched-rules.js';
import { newestIn, timesIn } from './kinds/spans.js';
import { INSTANTS_MAX, isInOrder, nextInstant } from './kinds/instants.js';
import { readRrule } from './rrule/rrule-text.js';
import { nextRruleTime } from './rrule/rrule-times.js';
import { complaintAboutZone } from './zone-names.js';

/** Due times lie between them, on the days that the calendars leave; either may be one. */
export interface Bounds {
  startAt?: Date;
  endAt?: Date;
  counted?: Counted;
  calendars?: Calendars;
}

interface Cron {
  kind: 'cron';
  expression: string;
  timeZone: string;
  clockChanges?: ClockChanges;
}

/** At `anchorAt` and every so many seconds after it. */
interface Every {
  kind: 'every';
  seconds: number;
  anchorAt: Date;
}

/** RFC 5545, in upper case; begins at `anchorAt`. */
interface Recurrence {
  kind: 'rrule';
  rule: string;
  timeZone: string;
  anchorAt: Date;
}

type Listed =
  | { kind: 'at'; at: Date }
  /** In order, each once. */
  | { kind: 'instants'; instants: readonly Date[] };

/** Says due times by itself: a whole spec, or one of several. */
export type Rule = Cron | Every | Recurrence | Listed;

export type ScheduleSpec =
  | (Cron & Bounds)
  | (Every & Bounds)
  | (Recurrence & Bounds)
  | Listed
  /** Due whenever one of them is. All that know a wall clock have one zone. */
  | ({ kind: 'anyOf'; specs: readonly Rule[] } & Bounds)
  /** Due times that no spec alone can say. */
  | (AfterEnd & Bounds)
  | (AfterSuccess & Bounds);

export interface InvalidSpec {
  ok: false;
  field: string;
  expected: string;
  got: string;
}

export type SpecVerdict = { ok: true } | InvalidSpec;

const SECONDS_MAX = 100 * 366 * 86_400;
/** The last instant that an RFC 3339 text can name; beyond it years have more than four digits. */
const INSTANT_MAX_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * The search for an expression's first due time begins here: if it is never due (30 February), every year shows it.
 * Zones' rules for the future do not change with the year.
 */
const NEVER_DUE_FROM = new Date(Date.UTC(2026, 0, 1));

/**
 * Whether the specification can be stored; `field` names its first wrong property. A stored one needs no further check.
 */
export function validateSpec(spec: ScheduleSpec): SpecVerdict {
  const wrongBound = complaintAboutBounds(boundsOf(spec));
  if (wrongBound !== null) return wrongBound;
  if (followsRuns(spec)) return validateDelay(spec);
  return spec.kind === 'anyOf' ? validateSpecs(spec.specs) : validateRule(spec);
}

function validateDelay({ kind, seconds }: AfterEnd | AfterSuccess): SpecVerdict {
  const min = kind === 'delay' ? 1 : 0;
  const isWhole = Number.isSafeInteger(seconds) && seconds >= min && seconds <= DELAY_SECONDS_MAX;
  if (isWhole) return { ok: true };
  return wrong('delaySeconds', `a whole number from ${min} to ${DELAY_SECONDS_MAX}`, String(seconds));
}

function validateRule(spec: Rule): SpecVerdict {
  switch (spec.kind) {
    case 'cron':
      return validateCron(spec);
    case 'every': {
      const { seconds, anchorAt } = spec;
      const isWhole = Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= SECONDS_MAX;
      if (!isWhole) return wrong('seconds', `a whole number from 1 to ${SECONDS_MAX}`, String(seconds));
      return isInstant(anchorAt) ? { ok: true } : wrong('anchorAt', AN_INSTANT, String(anchorAt));
    }
    case 'rrule':
      return validateRrule(spec);
    case 'at':
      return isInstant(spec.at) ? { ok: true } : wrong('at', AN_INSTANT, String(spec.at));
    case 'instants':
      return validateInstants(spec.instants);
  }
}

/** A wrong one among several is named by its place. */
function validateSpecs(specs: readonly Rule[]): SpecVerdict {
  const { length } = specs;
  if (length < SPECS_MIN || length > SPECS_MAX)
    return wrong('anyOf', `${SPECS_MIN} to ${SPECS_MAX} specs`, String(length));
  const listed = specs.reduce((sum, spec) => sum + (spec.kind === 'instants' ? spec.instants.length : 0), 0);
  if (listed > INSTANTS_MAX)
    return wrong('anyOf', `specs with at most ${INSTANTS_MAX} instants in all`, String(listed));
  for (const [index, spec] of specs.entries()) {
    const verdict = validateRule(spec);
    if (!verdict.ok) return { ...verdict, field: `anyOf/${index}/${verdict.field}` };
  }
  return { ok: true };
}

/** The specs that it is made of: those of anyOf, or itself; none where due times follow from runs. */
export function rulesOf(spec: ScheduleSpec): readonly Rule[] {
  if (followsRuns(spec)) return [];
  return spec.kind === 'anyOf' ? spec.specs : [spec];
}

/** Null for a spec that knows no wall clock. */
export function zoneOf(spec: ScheduleSpec): string | null {
  for (const rule of rulesOf(spec)) if (rule.kind === 'cron' || rule.kind === 'rrule') return rule.timeZone;
  return null;
}

/** Empty for listed instants, which bound themselves. */
export function boundsOf(spec: ScheduleSpec): Bounds {
  return spec.kind === 'at' || spec.kind === 'instants' ? {} : spec;
}

/** The same spec without its calendars. */
export function onAnyDay(spec: ScheduleSpec): ScheduleSpec {
  if (spec.kind === 'at' || spec.kind === 'instants') return spec;
  const { calendars: _, ...rest } = spec;
  return rest;
}

/**
 * The first due time strictly after the instant; null if there is none, or none that a spec can say. Throws RangeError on an
 * invalid spec.
 */
export function nextDueAt(spec: ScheduleSpec, after: Date): Date | null {
  return nextDueOf(spec)(after);
}

/** The same for many instants: of several specs each is searched only where that is needed. */
export function nextDueOf(spec: ScheduleSpec): NextDue {
  if (followsRuns(spec)) return () => null;
  const { startAt, endAt, counted, calendars } = boundsOf(spec);
  const lasts = [endAt, counted?.lastAt].filter((last) => last instanceof Date);
  const ruled =
    spec.kind === 'anyOf'
      ? firstOf(spec.specs.map(nextOfOneAmongOthers))
      : (after: Date) => nextOfRule(spec, after);
  const zone = zoneOf(spec) ?? 'UTC';
  const unbounded = calendars === undefined ? ruled : onOpenDays(ruled, { calendars, zone });
  return (after) => {
    const from = startAt !== undefined && after < startAt ? new Date(startAt.getTime() - 1) : after;
    const next = unbounded(from);
    return next !== null && lasts.every((last) => next <= last) ? next : null;
  };
}

function nextOfOneAmongOthers(rule: Rule): NextDue {
  if (rule.kind === 'cron') return searchedCron(rule);
  return rule.kind === 'rrule' ? searchedRrule(rule) : (after) => nextOfRule(rule, after);
}

function nextOfRule(spec: Rule, after: Date): Date | null {
  switch (spec.kind) {
    case 'cron':
      return nextCronTime(spec, after);
    case 'every':
      return nextBeat(spec, after);
    case 'rrule':
      return nextRruleTime(spec, after);
    case 'at':
      return spec.at > after ? spec.at : null;
    case 'instants':
      return nextInstant(spec.instants, after);
  }
}

function nextBeat({ seconds, anchorAt }: { seconds: number; anchorAt: Date }, after: Date): Date | null {
  const stepMs = seconds * 1_000;
  const anchorMs = anchorAt.getTime();
  const steps = Math.max(0, Math.floor((after.getTime() - anchorMs) / stepMs) + 1);
  const dueMs = anchorMs + steps * stepMs;
  return dueMs <= INSTANT_MAX_MS ? new Date(dueMs) : null;
}

/** The due times after one instant and up to and including another, the earliest first, at most `limit` of them. */
export function dueTimes(spec: ScheduleSpec, span: { after: Date; through: Date; limit: number }): Date[] {
  return timesIn(nextDueOf(spec), span);
}

/** The due times from one instant on and before another, the latest `limit` of them, the earliest first. */
export function newestDueTimes(
  spec: ScheduleSpec,
  span: { notBefore: Date; before: Date; limit: number },
): Date[] {
  return newestIn(nextDueOf(spec), span);
}

function complaintAboutBounds({ startAt, endAt, counted }: Bounds): SpecVerdict | null {
  const { maxFires } = counted ?? { maxFires: 1 };
  if (!Number.isSafeInteger(maxFires) || maxFires < 1 || maxFires > MAX_FIRES_MAX)
    return wrong('maxFires', `a whole number from 1 to ${MAX_FIRES_MAX}`, String(maxFires));
  for (const [field, bound] of Object.entries({ startAt, endAt }))
    if (bound !== undefined && !isInstant(bound)) return wrong(field, AN_INSTANT, String(bound));
  if (startAt === undefined || endAt === undefined || startAt <= endAt) return null;
  return wrong('endAt', `an instant not before startAt (${startAt.toISOString()})`, endAt.toISOString());
}

function validateCron({ expression, timeZone, clockChanges }: CronSpec): SpecVerdict {
  const reading = readCron(expression);
  if (!reading.ok) return wrong('expression', reading.expected, reading.got);
  const complaint = complaintAboutZone(timeZone);
  if (complaint !== null) return wrong('timeZone', complaint, JSON.stringify(timeZone));
  if (clockChanges !== undefined && !reading.fields.namesTimesOfDay)
    return wrong(
      'clockChanges',
      `none, since the hours of "${expression}" make a rhythm, which follows elapsed time`,
      JSON.stringify(clockChanges),
    );
  if (nextCronTime({ expression, timeZone }, NEVER_DUE_FROM) === null)
    return wrong('expression', 'an expression that is due at least once', JSON.stringify(expression));
  if (clockChanges === undefined) return { ok: true };
  return nextCronTime({ expression, timeZone, clockChanges }, NEVER_DUE_FROM) === null
    ? wrong('clockChanges', 'a gap of "after", since each due time lies in one', JSON.stringify(clockChanges))
    : { ok: true };
}

function validateRrule(spec: Recurrence): SpecVerdict {
  const reading = readRrule(spec.rule);
  if (!reading.ok) return wrong('rrule', reading.expected, reading.got);
  const complaint = complaintAboutZone(spec.timeZone);
  if (complaint !== null) return wrong('timeZone', complaint, JSON.stringify(spec.timeZone));
  const isEverDue = nextRruleTime(spec, new Date(spec.anchorAt.getTime() - 1)) !== null;
  return isEverDue
    ? { ok: true }
    : wrong('rrule', 'a rule that is due at least once', JSON.stringify(spec.rule));
}

function validateInstants(instants: readonly Date[]): SpecVerdict {
  const { length } = instants;
  if (length < 1 || length > INSTANTS_MAX)
    return wrong('at', `1 to ${INSTANTS_MAX} instants`, String(length));
  const unusable = instants.find((instant) => !isInstant(instant));
  if (unusable !== undefined) return wrong('at', `only ${INSTANTS}`, String(unusable));
  return isInOrder(instants) ? { ok: true } : wrong('at', 'each instant once, in order', 'another list');
}

const INSTANTS = 'instants of the years 1 to 9999';
const AN_INSTANT = 'an instant of the years 1 to 9999';
const INSTANT_MIN_MS = Date.parse('0001-01-01T00:00:00Z');

/** Whether every part of the product can write it down. */
export function isInstant(value: Date): boolean {
  return value.getTime() >= INSTANT_MIN_MS && value.getTime() <= INSTANT_MAX_MS;
}

function wrong(field: string, expected: string, got: string): SpecVerdict {
  return { ok: false, field, expected, got };
}
