// The shape of a schedule in requests and answers. Its spec is one of cron, everySeconds or at; the time zone stands
// beside it, since only cron needs one.
import { z } from 'zod';
import { DEFAULT_CATCH_UP, type CatchUp } from '#scheduling/decisions/catch-up.js';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import type { Fire } from '#scheduling/schedules/ledger.repository.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import { mergeObject } from '../requests/merge-patch.js';
import { pageQuery } from '../answers/page-token.js';
import { invalidField } from '../problems/problem.js';
import { spanOf } from '../runs/run.shapes.js';
import { instant, instantInput, jsonObject, resourceName, uuid } from '../requests/shapes.js';

const specInput = z.strictObject({
  cron: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('5 fields, or 6 with seconds first. Names, L, W, # and nicknames such as @daily are allowed.'),
  everySeconds: z.int().min(1).max(31_536_000).optional(),
  at: instantInput.optional(),
});
const oneSpec = specInput.refine(
  (spec) => Object.values(spec).filter((value) => value !== undefined).length === 1,
  {
    error: 'expected exactly one of cron, everySeconds or at',
  },
);
const timeZone = z.string().min(1).max(100);

const CATCH_UP_SECONDS_MAX = 31_536_000;
const CATCH_UP_RUNS_MAX = 100;

/** Each mode has only the bounds that mean something to it. */
const catchUpInput = z
  .strictObject({
    mode: z
      .enum(['none', 'latest', 'all'])
      .describe(
        'Which due times that passed in an outage still run: none, the latest, or all within bounds.',
      ),
    withinSeconds: z
      .int()
      .min(1)
      .max(CATCH_UP_SECONDS_MAX)
      .optional()
      .describe('A due time that is older does not run any more. Default: 86400, a day.'),
    max: z
      .int()
      .min(1)
      .max(CATCH_UP_RUNS_MAX)
      .optional()
      .describe(`With mode all: at most so many run, the newest. Default: ${CATCH_UP_RUNS_MAX}.`),
  })
  .superRefine(({ mode, withinSeconds, max }, context) => {
    const refuse = (field: string, modes: string): void =>
      context.addIssue({ code: 'custom', path: [field], message: `expected it only with mode ${modes}` });
    if (withinSeconds !== undefined && mode === 'none') refuse('withinSeconds', 'latest or all');
    if (max !== undefined && mode !== 'all') refuse('max', 'all');
  })
  .transform(
    ({ mode, withinSeconds = DEFAULT_CATCH_UP.withinSeconds, max = CATCH_UP_RUNS_MAX }): CatchUp => ({
      mode,
      withinSeconds,
      max: mode === 'all' ? max : 1,
    }),
  );

/** A ledger is read by its schedule's name, or by its id once the schedule is deleted: a name must be no id of another. */
const newName = resourceName.refine((name) => !uuid.safeParse(name).success, {
  error: 'expected a name in another form than a UUID, which finds the ledger of a deleted schedule',
});
/** An id may be written in either case. */
export const nameOrId = z.preprocess(
  (given) => (uuid.safeParse(given).success ? String(given).toLowerCase() : given),
  resourceName,
);

export const scheduleInput = z.strictObject({
  name: newName,
  spec: oneSpec,
  timeZone: timeZone.optional().describe('IANA name, for cron. Default: UTC.'),
  catchUp: catchUpInput
    .optional()
    .describe('Default: the latest of the last day runs once the outage is over.'),
  jobType: resourceName,
  payload: jsonObject.default({}),
});
export type ScheduleInput = z.output<typeof scheduleInput>;

/** Since null removes a field, a patch may name the old kind of spec or omit it; one kind remains. */
const specPatch = z
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

export const schedulePatch = z.strictObject({
  spec: specPatch.optional(),
  timeZone: timeZone.nullable().optional().describe('Null means UTC.'),
  catchUp: catchUpInput.nullable().optional().describe('Replaces the old one; null means the default.'),
  jobType: resourceName.optional(),
  payload: jsonObject.nullable().optional().describe('Merged into the old payload; null empties it.'),
});
export type SchedulePatch = z.output<typeof schedulePatch>;

export const schedule = z
  .object({
    id: z.uuid().describe('The scheduleId of its runs; finds its ledger once it is deleted.'),
    name: z.string(),
    state: z.enum(['active', 'paused', 'ended']),
    spec: z
      .object({ cron: z.string().optional(), everySeconds: z.int().optional(), at: instant.optional() })
      .nullable()
      .describe(
        'Null when this version cannot read the stored spec: nothing is planned until it is changed.',
      ),
    timeZone: z.string().nullable(),
    catchUp: z
      .object({
        mode: z.enum(['none', 'latest', 'all']),
        withinSeconds: z.int().optional(),
        max: z.int().optional(),
      })
      .nullable()
      .describe('Null when this version cannot read the stored one.'),
    jobType: z.string(),
    payload: jsonObject,
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

/** An interval is counted from the second in which its spec was made. */
export function specOf(
  { spec, timeZone: zone }: Pick<ScheduleInput, 'spec' | 'timeZone'>,
  now: Date,
): ScheduleSpec {
  if (spec.cron !== undefined) return { kind: 'cron', expression: spec.cron, timeZone: zone ?? 'UTC' };
  if (zone !== undefined)
    throw invalidField('/timeZone', `expected no time zone without cron, got ${JSON.stringify(zone)}`);
  if (spec.everySeconds !== undefined) {
    return {
      kind: 'every',
      seconds: spec.everySeconds,
      anchorAt: new Date(Math.floor(now.getTime() / 1_000) * 1_000),
    };
  }
  return { kind: 'at', at: new Date(spec.at ?? '') };
}

/** Undefined when the patch leaves the spec as it is. */
export function patchedSpec(
  patch: SchedulePatch,
  current: ScheduleSpec | null,
  now: Date,
): ScheduleSpec | undefined {
  if (patch.spec !== undefined) {
    const kept = patch.spec.cron !== undefined && current?.kind === 'cron' ? current.timeZone : undefined;
    const zone = patch.timeZone === undefined ? kept : (patch.timeZone ?? undefined);
    return specOf({ spec: patch.spec, timeZone: zone }, now);
  }
  if (patch.timeZone === undefined) return undefined;
  if (current === null)
    throw invalidField('/spec', 'expected a spec, since the stored one cannot be read, got none');
  if (current.kind === 'cron') return { ...current, timeZone: patch.timeZone ?? 'UTC' };
  if (patch.timeZone === null) return undefined;
  throw invalidField(
    '/timeZone',
    `expected no time zone without cron, got ${JSON.stringify(patch.timeZone)}`,
  );
}

/** Undefined when the patch leaves the payload as it is. */
export function patchedPayload(
  { payload: patch }: SchedulePatch,
  current: unknown,
): Record<string, unknown> | undefined {
  if (patch === undefined) return undefined;
  return patch === null ? {} : mergeObject(jsonObject.parse(current), patch);
}

export function pointerOfSpecField(field: string): string {
  const pointers: Readonly<Record<string, string>> = {
    expression: '/spec/cron',
    cron: '/spec/cron',
    timeZone: '/timeZone',
    seconds: '/spec/everySeconds',
    every: '/spec/everySeconds',
  };
  return pointers[field] ?? `/spec/${field}`;
}

export function showSchedule(row: Schedule) {
  const { id, name, state, spec, catchUp, jobType, payload, createdAt, updatedAt, revision } = row;
  const nextDueAt = row.plannedDueAt ?? row.nextDueAt;
  return {
    id,
    name,
    state: nextDueAt === null ? 'ended' : state,
    spec: spec && showSpec(spec),
    timeZone: spec?.kind === 'cron' ? spec.timeZone : null,
    catchUp: catchUp && showCatchUp(catchUp),
    jobType,
    payload,
    nextDueAt,
    createdAt,
    updatedAt,
    revision,
  };
}

function showSpec(spec: ScheduleSpec) {
  switch (spec.kind) {
    case 'cron':
      return { cron: spec.expression };
    case 'every':
      return { everySeconds: spec.seconds };
    case 'at':
      return { at: spec.at };
  }
}

function showCatchUp({ mode, withinSeconds, max }: CatchUp) {
  return { mode, ...(mode === 'none' ? {} : { withinSeconds }), ...(mode === 'all' ? { max } : {}) };
}

export function showFire(row: Fire) {
  return {
    ...row,
    latenessMs: row.startedAt === null ? null : row.startedAt.getTime() - row.dueAt.getTime(),
  };
}
