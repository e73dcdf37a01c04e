// The shape of a schedule and of its ledger in requests and answers.
import { z } from 'zod';
import { zoneOf } from '#scheduling/decisions/due-times.js';
import type { Fire } from '#scheduling/schedules/ledger.repository.js';
import type { Schedule, ScheduleRunOptions } from '#scheduling/schedules/schedule.repository.js';
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
import { catchUp, catchUpInput } from './catch-up.shapes.js';
import { bounds, oneSpec, showBounds, showSpec, specPatch, timeZone } from './spec.shapes.js';

/** A ledger is read by its schedule's name, or by its id once the schedule is deleted: a name must be no id of another. */
const newName = resourceName.refine((name) => !uuid.safeParse(name).success, {
  error: 'expected a name in another form than a UUID, which finds the ledger of a deleted schedule',
});
/** An id may be written in either case. */
export const nameOrId = z.preprocess(
  (given) => (uuid.safeParse(given).success ? String(given).toLowerCase() : given),
  resourceName,
);

const DEADLINE_SECONDS_MAX = 31_536_000;

const optionsOfRuns = {
  ...runOptions,
  deadlineSeconds: z
    .int()
    .min(1)
    .max(DEADLINE_SECONDS_MAX)
    .describe(
      'A run expires so long after it was due, or was planned if that came later, even if it is running.',
    ),
};

export const scheduleInput = z.strictObject({
  name: newName,
  spec: oneSpec,
  timeZone: orNull(timeZone).describe('IANA name, for cron and rrule. Default: UTC.'),
  ...orNullEach(bounds),
  catchUp: orNull(catchUpInput).describe('Default: the latest of the last day runs once the outage is over.'),
  jobType: resourceName,
  payload: jsonObject.default({}),
  ...orNullEach(optionsOfRuns),
});
export type ScheduleInput = z.output<typeof scheduleInput>;

export const schedulePatch = z.strictObject({
  spec: specPatch.optional(),
  timeZone: timeZone.nullable().optional().describe('Null means UTC.'),
  startAt: bounds.startAt.nullable().optional(),
  endAt: bounds.endAt.nullable().optional(),
  maxFires: bounds.maxFires.nullable().optional(),
  catchUp: catchUpInput.nullable().optional().describe('Replaces the old one; null means the default.'),
  jobType: resourceName.optional(),
  payload: jsonObject.nullable().optional().describe('Merged into the old payload; null empties it.'),
  queue: optionsOfRuns.queue.nullable().optional(),
  concurrencyKey: optionsOfRuns.concurrencyKey.nullable().optional(),
  tags: optionsOfRuns.tags.nullable().optional(),
  priority: optionsOfRuns.priority.nullable().optional(),
  deadlineSeconds: optionsOfRuns.deadlineSeconds.nullable().optional(),
});
export type SchedulePatch = z.output<typeof schedulePatch>;

const shownRule = {
  cron: z.string().optional(),
  everySeconds: z.int().optional(),
  rrule: z.string().optional(),
  at: z.union([instant, z.array(instant)]).optional(),
};

export const schedule = z
  .object({
    id: z.uuid().describe('The scheduleId of its runs; finds its ledger once it is deleted.'),
    name: z.string(),
    state: z.enum(['active', 'paused', 'ended']),
    spec: z
      .object({ ...shownRule, anyOf: z.array(z.object(shownRule)).optional() })
      .nullable()
      .describe(
        'Null when this version cannot read the stored spec: nothing is planned until it is changed.',
      ),
    text: z.string().nullable().describe('The spec in words, without its bounds.'),
    timeZone: z.string().nullable(),
    startAt: instant.nullable(),
    endAt: instant.nullable(),
    maxFires: z.int().nullable(),
    catchUp: catchUp.nullable().describe('Null when this version cannot read the stored one.'),
    jobType: z.string(),
    payload: jsonObject,
    queue: z.string(),
    concurrencyKey: z.string().nullable(),
    tags: z.array(z.string()),
    priority: z.int(),
    deadlineSeconds: z.int().nullable(),
    nextDueAt: instant.nullable().describe('The next due time; null when none will come.'),
    createdAt: instant,
    updatedAt: instant,
    revision: z.int(),
  })
  .meta({ id: 'Schedule' });

export const fire = z
  .object({
    dueAt: instant,
    outcome: z
      .enum(['planned', 'fired', 'late', 'skipped', 'coalesced', 'missed'])
      .describe(
        'fired: started within a second after it was due; late: started after that; coalesced: a later run stands for it.',
      ),
    reason: z.string().nullable(),
    runId: z.uuid().nullable(),
    term: z.int().describe('The term of the leader that decided it.'),
    plannedAt: instant,
    startedAt: instant.nullable(),
    latenessMs: z.number().nullable(),
  })
  .meta({ id: 'Fire' });

export const listQuery = z.strictObject(pageQuery);
export type ListQuery = z.output<typeof listQuery>;

export const firesQuery = z
  .strictObject({
    ...pageQuery,
    from: instantInput.optional().describe('Inclusive.'),
    to: instantInput.optional().describe('Exclusive.'),
  })
  .superRefine(spanOf('from', 'to'));
export type FiresQuery = z.output<typeof firesQuery>;

/** Those that are given; null for the default. */
export function runOptionsOf({
  queue,
  concurrencyKey,
  tags,
  priority,
  deadlineSeconds,
}: ScheduleInput | SchedulePatch): Partial<ScheduleRunOptions> {
  const given = { queue, concurrencyKey, tags, priority, deadlineSeconds };
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
  const { id, name, state, spec, catchUp, jobType, payload, createdAt, updatedAt, revision } = row;
  const nextDueAt = row.plannedDueAt ?? row.nextDueAt;
  return {
    id,
    name,
    state: nextDueAt === null ? 'ended' : state,
    spec: spec && showSpec(spec),
    text: spec && specText(spec),
    timeZone: spec && zoneOf(spec),
    ...showBounds(spec),
    catchUp,
    jobType,
    payload,
    queue: row.queue ?? 'default',
    concurrencyKey: row.concurrencyKey,
    tags: row.tags ?? [],
    priority: row.priority ?? 0,
    deadlineSeconds: row.deadlineSeconds,
    nextDueAt,
    createdAt,
    updatedAt,
    revision,
  };
}

export function showFire(row: Fire) {
  return {
    ...row,
    latenessMs: row.startedAt === null ? null : row.startedAt.getTime() - row.dueAt.getTime(),
  };
}
