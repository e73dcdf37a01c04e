// Which spec does a patch make of the stored one? What the patch leaves out stays, as far as it fits, and a spec that says
// the same again moves no due time.
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { boundsOf, rulesOf, zoneOf, type Rule, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { followsRuns } from '#scheduling/decisions/kinds/following.js';
import { secondsOfEvery } from '#scheduling/decisions/every-text.js';
import { invalidField } from '../problems/problem.js';
import type { DraftSpec } from './computing/counts.js';
import {
  namesTimesOfDay,
  patchedClockChanges,
  type clockChangesPatch,
} from './policies/clock-changes.shapes.js';
import { followingOf } from './policies/following.shapes.js';
import { namesIn, patchedCalendars, type calendarsPatch } from './policies/calendars.shapes.js';
import { showBounds, showSpec, specOf, type GivenSpec } from './spec.shapes.js';

interface GivenPatch {
  spec?: GivenSpec['spec'] | undefined;
  /** Null removes these. */
  timeZone?: string | null | undefined;
  clockChanges?: z.output<typeof clockChangesPatch> | null | undefined;
  startAt?: string | null | undefined;
  endAt?: string | null | undefined;
  maxFires?: number | null | undefined;
  calendars?: z.output<typeof calendarsPatch> | null | undefined;
}

/** Undefined when the patch leaves the spec as it is, also where it says the same again: an interval goes on counting. */
export function patchedSpec(
  patch: GivenPatch,
  current: ScheduleSpec | null,
  now: Date,
): DraftSpec | undefined {
  const { spec, timeZone: zone, clockChanges, startAt, endAt, maxFires, calendars } = patch;
  if ([spec, zone, clockChanges, startAt, endAt, maxFires, calendars].every((given) => given === undefined))
    return undefined;
  return changedDraft(specOf(merged(patch, current), now), current);
}

/** Undefined when it says the same again: then intervals go on counting from where they began. */
export function changedDraft(patched: DraftSpec, current: ScheduleSpec | null): DraftSpec | undefined {
  const before = draftOf(current);
  const next = { ...patched, spec: goingOn(patched.spec, current), count: goingOnWith(patched, before) };
  return isDeepStrictEqual(next, before) ? undefined : next;
}

/** As it was before the days of its calendars were found, and its due times counted out. */
function draftOf(current: ScheduleSpec | null): DraftSpec | null {
  if (current === null || current.kind === 'at' || current.kind === 'instants')
    return current && { spec: current, count: null, calendars: null };
  const { counted, calendars: _days, ...spec } = current;
  const count = counted === undefined ? null : { maxFires: counted.maxFires, after: counted.after };
  return { spec, count, calendars: namesIn(current) };
}

/** Another number, or another end, is counted from where the old number was. */
function goingOnWith({ spec, count }: DraftSpec, before: DraftSpec | null): DraftSpec['count'] {
  if (count === null || before === null || before.count === null) return count;
  if (startsAnew(spec, before.spec)) return count;
  const [rules, rulesBefore] = [spec, before.spec].map((one) => showSpec(one));
  const isSame = isDeepStrictEqual(rules, rulesBefore) && zoneOf(spec) === zoneOf(before.spec);
  return isSame ? { ...count, after: before.count.after } : count;
}

/** What counts from a startAt does not go on from elsewhere. */
const startsAnew = (...specs: ScheduleSpec[]): boolean =>
  specs.some((spec) => boundsOf(spec).startAt !== undefined);

/** With its intervals and recurrences counted from where the same ones began. */
function goingOn(patched: ScheduleSpec, current: ScheduleSpec | null): ScheduleSpec {
  if (current === null || followsRuns(patched) || startsAnew(patched, current)) return patched;
  const anchored = <Same extends Rule>(rule: Same): Same => {
    const before = rulesOf(current).find((old) => isCountedAlike(old, rule));
    return before !== undefined && 'anchorAt' in before ? { ...rule, anchorAt: before.anchorAt } : rule;
  };
  return patched.kind === 'anyOf' ? { ...patched, specs: patched.specs.map(anchored) } : anchored(patched);
}

const isCountedAlike = (old: Rule, rule: Rule): boolean =>
  (old.kind === 'every' && rule.kind === 'every' && old.seconds === rule.seconds) ||
  (old.kind === 'rrule' && rule.kind === 'rrule' && old.rule === rule.rule);

/** What the patch leaves out stays, as far as it fits the kind of spec. */
function merged({ spec, ...patch }: GivenPatch, current: ScheduleSpec | null): GivenSpec {
  if (spec === undefined && current === null)
    throw invalidField('/spec', 'expected a spec, since the stored one cannot be read, got none');
  const next = spec ?? (current === null ? {} : showSpec(current));
  const hasZone = (next.anyOf ?? [next]).some(
    ({ cron, rrule }) => rrule !== undefined || (cron !== undefined && secondsOfEvery(cron) === null),
  );
  const zone = hasZone && current !== null ? (zoneOf(current) ?? undefined) : undefined;
  const hasChoice = (next.anyOf ?? [next]).some(({ cron }) => cron !== undefined && namesTimesOfDay(cron));
  const kept = next.at === undefined ? showBounds(current) : showBounds(null);
  const isCounted = next.at === undefined && followingOf(next) === null;
  return {
    spec: next,
    timeZone: pick(patch.timeZone, zone),
    clockChanges: patchedClockChanges(patch.clockChanges, hasChoice ? current : null),
    startAt: pick(patch.startAt, kept.startAt?.toISOString()),
    endAt: pick(patch.endAt, kept.endAt?.toISOString()),
    maxFires: pick(patch.maxFires, isCounted ? (kept.maxFires ?? undefined) : undefined),
    calendars: patchedCalendars(patch.calendars, isCounted ? current : null),
  };
}

function pick<Given>(patch: Given | null | undefined, kept: Given | undefined): Given | undefined {
  return patch === undefined ? kept : (patch ?? undefined);
}
