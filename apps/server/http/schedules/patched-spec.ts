// Which spec does a patch make of the stored one? What the patch leaves out stays, as far as it fits, and a spec that says
// the same again moves no due time.
import { isDeepStrictEqual } from 'node:util';
import { boundsOf, rulesOf, zoneOf, type Rule, type ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { secondsOfEvery } from '#scheduling/decisions/every-text.js';
import { invalidField } from '../problems/problem.js';
import { showBounds, showSpec, specOf, type GivenSpec } from './spec.shapes.js';

interface GivenPatch {
  spec?: GivenSpec['spec'] | undefined;
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
  const patched = specOf(merged(patch, current), now);
  const next = goingOn(patched, current);
  return isDeepStrictEqual(next, current) ? undefined : next;
}

/** With its intervals counted from where those of the same length began. */
function goingOn(patched: ScheduleSpec, current: ScheduleSpec | null): ScheduleSpec {
  const startsAnew = [patched, current].some((spec) => spec !== null && boundsOf(spec).startAt !== undefined);
  if (current === null || startsAnew) return patched;
  const anchored = <Same extends Rule>(rule: Same): Same => {
    if (rule.kind !== 'every') return rule;
    const before = rulesOf(current).find((old) => old.kind === 'every' && old.seconds === rule.seconds);
    return before?.kind === 'every' ? { ...rule, anchorAt: before.anchorAt } : rule;
  };
  return patched.kind === 'anyOf' ? { ...patched, specs: patched.specs.map(anchored) } : anchored(patched);
}

/** What the patch leaves out stays, as far as it fits the kind of spec. */
function merged({ spec, ...patch }: GivenPatch, current: ScheduleSpec | null): GivenSpec {
  if (spec === undefined && current === null)
    throw invalidField('/spec', 'expected a spec, since the stored one cannot be read, got none');
  const next = spec ?? (current === null ? {} : showSpec(current));
  const hasZone = (next.anyOf ?? [next]).some(
    ({ cron }) => cron !== undefined && secondsOfEvery(cron) === null,
  );
  const zone = hasZone && current !== null ? (zoneOf(current) ?? undefined) : undefined;
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
