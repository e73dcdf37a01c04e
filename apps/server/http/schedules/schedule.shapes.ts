// The shape of a schedule and of its ledger in requests and answers.
import { z } from 'zod';
import { zoneOf } from '#scheduling/decisions/due-times.js';
import type { Fire } from '#scheduling/revisions/ledger.repository.js';
import { DEFAULT_OVERLAP } from '#kernel/schedule-key.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import type { RunsChange } from '#scheduling/schedules/stored-run-options.js';
import { startOf } from '#scheduling/schedules/decisions/jitter.js';
import { specText } from '#scheduling/schedules/decisions/spec-text.js';
import { mergeObject } from '../requests/merge-patch.js';
import { pageQuery } from '../answers/page-token.js';
import { runOptions, spanOf } from '../runs/run.shapes.js';
import {
  instant,
  instantInput,
  jsonObject,
  orNull,
  orNullEach,
  resourceName,
  uuid,
} from '../requests/shapes.js';
import { filterQuery } from './filters/filter.shapes.js';
import { labels, labelsInput, labelsPatch } from './filters/labels.shapes.js';
import { calendars, calendarsPatch } from './policies/calendars.shapes.js';
import { catchUp, catchUpInput } from './policies/catch-up.shapes.js';
import { jitterSeconds } from './policies/jitter.shapes.js';
import { scheduleLocks } from './policies/locks.shapes.js';
import { showAwaited, waitsFor } from './policies/following.shapes.js';
import { overlap, overlapInput } from './policies/overlap.shapes.js';
import { schedulePayload } from './policies/payload-templates.js';
import {
  clockChanges,
  clockChangesInput,
  clockChangesPatch,
  showClockChanges,
} from './policies/clock-changes.shapes.js';
import { bounds, oneSpec, shownSpec, showBounds, showSpec, specPatch, timeZone } from './spec.shapes.js';

/** A ledger is read by its schedule's name, or by its id once the schedule is deleted: a name must be no id of another. */
export const newName = resourceName.refine((name) => !uuid.safeParse(name).success, {
  error: 'expected a name in another form than a UUID, which finds the ledger of a deleted schedule',
});
/** An id may be written in either case. */
export const nameOrId = z.preprocess(
  (given) => (uuid.safeParse(given).success ? String(given).toLowerCase() : given),
  resourceName,
);

/** No more are counted. */
const FAILURES_MAX = 100;
const DEADLINE_SECONDS_MAX = 31_536_000;

export const optionsOfRuns = {
  ...runOptions,
  deadlineSeconds: z
    .int()
    .min(1)
    .max(DEADLINE_SECONDS_MAX)
    .describe(
      'A run expires so long after it was to start, or was planned if that came later, even if it is running.',
    ),
};

const pauseAfterFailures = z
  .int()
  .min(1)
  .max(FAILURES_MAX)
  .describe('It pauses when so many runs failed, dead-lettered or expired one after the other.');

export const scheduleInput = z.strictObject({
  name: newName,
  spec: oneSpec,
  timeZone: orNull(timeZone).describe('IANA name, for cron and rrule. Default: UTC.'),
  clockChanges: orNull(clockChangesInput).describe('For cron with fixed hours.'),
  ...orNullEach(bounds),
  catchUp: orNull(catchUpInput).describe('Default: the latest of the last day runs once the outage is over.'),
  overlap: orNull(overlapInput).describe('Default: its runs may run side by side.'),
  pauseAfterFailures: orNull(pauseAfterFailures).describe('Default: it never pauses by itself.'),
  jitterSeconds: orNull(jitterSeconds),
  locks: orNull(scheduleLocks),
  jobType: resourceName,
  payload: schedulePayload.default({}),
  labels: orNull(labelsInput).describe('By which lists and acts on many find it.'),
  ...orNullEach(optionsOfRuns),
});
export type ScheduleInput = z.output<typeof scheduleInput>;

/** The name may stand in the path alone. */
export const scheduleApplied = scheduleInput.partial({ name: true });
export type ScheduleApplied = z.output<typeof scheduleApplied>;

export const schedulePatch = z.strictObject({
  spec: specPatch.optional(),
  timeZone: timeZone.nullable().optional().describe('Null means UTC.'),
  clockChanges: clockChangesPatch
    .nullable()
    .optional()
    .describe('Merged into the old ones; null means the default, also for one of them.'),
  startAt: bounds.startAt.nullable().optional(),
  endAt: bounds.endAt.nullable().optional(),
  maxFires: bounds.maxFires.nullable().optional(),
  calendars: calendarsPatch.nullable().optional().describe('Merged into the old ones; null means none.'),
  catchUp: catchUpInput.nullable().optional().describe('Replaces the old one; null means the default.'),
  overlap: overlapInput.nullable().optional().describe('Null means allow.'),
  pauseAfterFailures: pauseAfterFailures.nullable().optional().describe('Null means never.'),
  jitterSeconds: jitterSeconds.nullable().optional().describe('Null means none.'),
  locks: scheduleLocks.nullable().optional().describe('Replace the old ones; null means none.'),
  jobType: resourceName.optional(),
  payload: schedulePayload.nullable().optional().describe('Merged into the old payload; null empties it.'),
  queue: optionsOfRuns.queue.nullable().optional(),
  concurrencyKey: optionsOfRuns.concurrencyKey.nullable().optional(),
  tags: optionsOfRuns.tags.nullable().optional(),
  priority: optionsOfRuns.priority.nullable().optional(),
  deadlineSeconds: optionsOfRuns.deadlineSeconds.nullable().optional(),
  labels: labelsPatch.nullable().optional().describe('Merged into the old ones; null removes one, or all.'),
});
export type SchedulePatch = z.output<typeof schedulePatch>;

export const schedule = z
  .object({
    id: z.uuid().describe('The scheduleId of its runs; finds its ledger once it is deleted.'),
    name: z.string(),
    state: z.enum(['active', 'paused', 'ended']),
    pausedAt: instant.nullable().describe('While it is paused: since when. Null otherwise.'),
    pausedUntil: instant
      .nullable()
      .describe('When the pause ends by itself; null when it lasts until the schedule is resumed.'),
    pauseReason: z.string().nullable(),
    spec: shownSpec
      .nullable()
      .describe(
        'Null when this version cannot read the stored spec: nothing is planned until it is changed.',
      ),
    text: z.string().nullable().describe('The spec in words, without its bounds.'),
    timeZone: z.string().nullable(),
    clockChanges: clockChanges.nullable().describe('Null unless the spec is cron with fixed hours.'),
    startAt: instant.nullable(),
    endAt: instant.nullable(),
    maxFires: z.int().nullable(),
    calendars: calendars.nullable(),
    catchUp: catchUp.nullable().describe('Null when this version cannot read the stored one.'),
    overlap,
    pauseAfterFailures: z.int().nullable(),
    jitterSeconds: z.int().nullable().describe('Null for none: runs start when they are due.'),
    consecutiveFailures: z
      .int()
      .describe('So many of its last runs failed one after the other, since it was resumed; at most 100.'),
    jobType: z.string(),
    payload: jsonObject,
    queue: z.string(),
    concurrencyKey: z.string().nullable(),
    tags: z.array(z.string()),
    priority: z.int(),
    deadlineSeconds: z.int().nullable(),
    locks: scheduleLocks,
    labels,
    nextDueAt: instant.nullable().describe('The next due time; null when none will come, or none is known.'),
    waitsFor,
    source: z.enum(['api', 'code']).describe('What code defines can be changed there alone.'),
    removedFromCodeAt: instant.nullable().describe('Since when no code defines it any more.'),
    createdAt: instant,
    updatedAt: instant,
    revision: z.int(),
  })
  .meta({ id: 'Schedule' });

const outcome = z.enum(['planned', 'fired', 'late', 'skipped', 'coalesced', 'missed']);

export const fire = z
  .object({
    dueAt: instant.describe('Of several that are folded into one, the newest.'),
    firstDueAt: instant,
    count: z.int().describe('How many due times are folded into this one, from the first on; 1 if none are.'),
    startsAt: instant.describe('When its run was to start: then, or later by the jitter of the schedule.'),
    outcome: outcome.describe(
      'fired: started within a second after it was to start; late: started after that; coalesced: a later run stands for it.',
    ),
    reason: z.string().nullable(),
    runId: z.uuid().nullable(),
    term: z.int().describe('The term of the leader that decided it.'),
    plannedAt: instant,
    startedAt: instant.nullable(),
    latenessMs: z.number().nullable(),
  })
  .meta({ id: 'Fire' });

export const listQuery = z.strictObject({ ...pageQuery, ...filterQuery });
export type ListQuery = z.output<typeof listQuery>;

export const firesQuery = z
  .strictObject({
    ...pageQuery,
    from: instantInput.optional().describe('Inclusive.'),
    to: instantInput.optional().describe('Exclusive.'),
    outcome: outcome
      .optional()
      .describe('Only these; a page looks at 10,000 due times, and may be short or empty before the last.'),
    folded: z
      .stringbool({ truthy: ['true'], falsy: ['false'] })
      .default(false)
      .describe('Neighbours without a run, of one outcome and reason, are shown as one.'),
  })
  .superRefine(spanOf('from', 'to'));
export type FiresQuery = z.output<typeof firesQuery>;

/** Those that are given; null for the default. */
export function runOptionsOf(
  {
    queue,
    concurrencyKey,
    tags,
    priority,
    deadlineSeconds,
    overlap,
    pauseAfterFailures,
    jitterSeconds: jitter,
    locks,
  }: ScheduleInput | ScheduleApplied | SchedulePatch,
  labelsAfter: RunsChange['labels'],
): RunsChange {
  const policy = overlap === null ? DEFAULT_OVERLAP : overlap;
  const given = {
    queue,
    concurrencyKey,
    tags,
    priority,
    deadlineSeconds,
    pauseAfterFailures,
    jitterSeconds: jitter,
    locks,
    overlap: policy,
    labels: labelsAfter,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Undefined when the patch leaves the payload as it is. */
export function patchedPayload(
  { payload: patch }: SchedulePatch,
  current: unknown,
): Record<string, unknown> | undefined {
  if (patch === undefined) return undefined;
  return patch === null ? {} : mergeObject(jsonObject.parse(current), patch);
}

export function showSchedule(row: Schedule) {
  const { id, name, spec, catchUp, jobType, payload, createdAt, updatedAt, revision } = row;
  const nextDueAt = row.plannedDueAt ?? row.nextDueAt;
  const hasEnded = nextDueAt === null && !row.isWaiting;
  const isPaused = row.isPaused && !hasEnded;
  return {
    id,
    name,
    state: hasEnded ? 'ended' : isPaused ? 'paused' : 'active',
    pausedAt: isPaused ? row.pausedAt : null,
    pausedUntil: isPaused ? row.pausedUntil : null,
    pauseReason: isPaused ? row.pauseReason : null,
    spec: spec && showSpec(spec),
    text: spec && specText(spec),
    timeZone: spec && zoneOf(spec),
    clockChanges: showClockChanges(spec),
    ...showBounds(spec),
    catchUp,
    overlap: row.overlap,
    pauseAfterFailures: row.pauseAfterFailures,
    jitterSeconds: row.jitterSeconds,
    consecutiveFailures: row.consecutiveFailures,
    jobType,
    payload,
    queue: row.queue ?? 'default',
    concurrencyKey: row.concurrencyKey,
    tags: row.tags ?? [],
    priority: row.priority ?? 0,
    deadlineSeconds: row.deadlineSeconds,
    locks: row.locks ?? [],
    labels: row.labels,
    nextDueAt,
    waitsFor: nextDueAt === null && !hasEnded && !isPaused ? showAwaited(row) : null,
    source: row.source,
    removedFromCodeAt: row.removedFromCodeAt,
    createdAt,
    updatedAt,
    revision,
  };
}

export function showFire({ jitterMs, ...row }: Fire) {
  const startsAt = startOf(row.dueAt, jitterMs);
  const latenessMs = row.startedAt === null ? null : row.startedAt.getTime() - startsAt.getTime();
  return { ...row, startsAt, latenessMs };
}
