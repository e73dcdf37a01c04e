// The requests about schedules, checked by the rules of the schedules in code.
import { wireSchedule } from '#client/jobs/job-schedules.js';
import { checkScheduleDraft, checkSchedulePatch, checkSchedules } from '#client/options/schedules-check.js';
import { instantText } from '../paths.js';
import type { ScheduleContent, ScheduleDraft, ScheduleFilter, SchedulePatch } from './schedule-shapes.js';

const LABEL_KEY = /^[^:]+$/;

/** JSON. Throws a TypeError that names the job, the schedule and the field. */
export function contentBody(jobType: string, schedule: ScheduleContent): string {
  checkSchedules(jobType, [schedule]);
  if (Object.hasOwn(schedule, 'tenants'))
    throw new TypeError("expected no option tenants, since a client's schedules are those of its tenant");
  return JSON.stringify({ ...wireSchedule(schedule), jobType });
}

/** JSON. Throws a TypeError that names the schedule and the field. */
export function patchBody(name: string, patch: SchedulePatch): string {
  if (typeof patch !== 'object' || patch === null)
    throw new TypeError(`expected a change of schedule ${name}, an object, got ${typeof patch}`);
  checkSchedulePatch(patch, `schedule ${name}`);
  return withSpec(patch);
}

/** JSON. Throws a TypeError that names the field. */
export function draftBody(
  draft: ScheduleDraft,
  { count, after }: { count?: number; after?: Date | string },
): string {
  if (typeof draft !== 'object' || draft === null)
    throw new TypeError(`expected the name of a schedule, or a draft of one, got ${typeof draft}`);
  checkScheduleDraft(draft, 'the draft');
  const rest = { count, after: after === undefined ? undefined : instantText('after', after) };
  return withSpec({ ...draft, ...rest });
}

export function filterQuery({ labels = {}, state, jobType, q }: ScheduleFilter) {
  const label = Object.entries(labels).map(([key, value]) => {
    if (!LABEL_KEY.test(key))
      throw new TypeError(`expected labels to have keys without colons, got ${JSON.stringify(key)}`);
    return value === null ? key : `${key}:${value}`;
  });
  return { label, state, jobType, q };
}

/** A change that says nothing of when it is due has no spec. */
function withSpec(fields: object): string {
  const { spec, ...rest } = wireSchedule(fields as ScheduleContent); // which may lack a name and a spec
  const isGiven = Object.keys(spec as object).length > 0;
  return JSON.stringify(isGiven ? { ...rest, spec } : rest);
}
