// How is a schedule's spec written down? As JSON with ISO instants, one shape for the API and the table.
// It was checked when it came in, so reading it back only turns the instants into dates.
import { z } from 'zod';
import { boundsOf, type Bounds, type Rule, type ScheduleSpec } from './decisions/due-times.js';
import type { Calendars } from './decisions/calendars/open-days.js';
import { followsRuns } from './decisions/kinds/following.js';
import type { Counted } from './decisions/kinds/max-fires.js';

const calendarDays = z
  .strictObject({
    names: z.array(z.string()).min(1).readonly(),
    revisions: z.array(z.number()).readonly(),
    days: z.string(),
  })
  .optional();
const bounds = {
  startAt: z.iso.datetime().optional(),
  endAt: z.iso.datetime().optional(),
  counted: z
    .strictObject({
      maxFires: z.number(),
      after: z.iso.datetime(),
      lastAt: z.iso.datetime().nullable(),
    })
    .optional(),
  calendars: z.strictObject({ exclude: calendarDays, include: calendarDays }).optional(),
};
type StoredBounds = z.output<z.ZodObject<typeof bounds>>;
const cron = z.strictObject({
  kind: z.literal('cron'),
  expression: z.string(),
  timeZone: z.string(),
  clockChanges: z
    .strictObject({ gap: z.enum(['after', 'skip']), repeat: z.enum(['first', 'both']) })
    .optional(),
});
/** What a hand wrote: an interval of nothing would be due without end. */
const every = z.strictObject({
  kind: z.literal('every'),
  seconds: z.int().min(1),
  anchorAt: z.iso.datetime(),
});
const rrule = z.strictObject({
  kind: z.literal('rrule'),
  rule: z.string(),
  timeZone: z.string(),
  anchorAt: z.iso.datetime(),
});
const at = z.strictObject({ kind: z.literal('at'), at: z.iso.datetime() });
const instants = z.strictObject({
  kind: z.literal('instants'),
  instants: z.array(z.iso.datetime()).min(1),
});
const rule = z.discriminatedUnion('kind', [cron, every, rrule, at, instants]);
const storedSpec = z.discriminatedUnion('kind', [
  cron.extend(bounds),
  every.extend(bounds),
  rrule.extend(bounds),
  at,
  instants,
  z.strictObject({ kind: z.literal('anyOf'), specs: z.array(rule).min(1), ...bounds }),
  z.strictObject({ kind: z.literal('delay'), seconds: z.int().min(1), ...bounds }),
  z.strictObject({ kind: z.literal('follow'), schedule: z.string(), seconds: z.int().min(0), ...bounds }),
]);

export function writeSpec(spec: ScheduleSpec): object {
  if (followsRuns(spec)) return { ...spec, ...writtenBounds(spec) };
  const written = spec.kind === 'anyOf' ? { ...spec, specs: spec.specs.map(writtenRule) } : writtenRule(spec);
  return { ...written, ...writtenBounds(boundsOf(spec)) };
}

function writtenRule(spec: Rule): object {
  switch (spec.kind) {
    case 'cron':
      return spec;
    case 'every':
    case 'rrule':
      return { ...spec, anchorAt: spec.anchorAt.toISOString() };
    case 'at':
      return { ...spec, at: spec.at.toISOString() };
    case 'instants':
      return { ...spec, instants: spec.instants.map((instant) => instant.toISOString()) };
  }
}

function writtenBounds({ startAt, endAt, counted, calendars }: Bounds): StoredBounds {
  return {
    ...(startAt === undefined ? {} : { startAt: startAt.toISOString() }),
    ...(endAt === undefined ? {} : { endAt: endAt.toISOString() }),
    ...(counted === undefined ? {} : { counted: writtenCount(counted) }),
    ...(calendars === undefined ? {} : { calendars }),
  };
}

function writtenCount({ maxFires, after, lastAt }: Counted): NonNullable<StoredBounds['counted']> {
  return { maxFires, after: after.toISOString(), lastAt: lastAt === null ? null : lastAt.toISOString() };
}

function readBounds({ startAt, endAt, counted, calendars }: StoredBounds): Bounds {
  return {
    ...(startAt === undefined ? {} : { startAt: new Date(startAt) }),
    ...(endAt === undefined ? {} : { endAt: new Date(endAt) }),
    ...(counted === undefined ? {} : { counted: readCount(counted) }),
    ...(calendars === undefined ? {} : { calendars: readCalendars(calendars) }),
  };
}

function readCalendars({ exclude, include }: NonNullable<StoredBounds['calendars']>): Calendars {
  return {
    ...(exclude === undefined ? {} : { exclude }),
    ...(include === undefined ? {} : { include }),
  };
}

function readCount({ maxFires, after, lastAt }: NonNullable<StoredBounds['counted']>): Counted {
  return { maxFires, after: new Date(after), lastAt: lastAt === null ? null : new Date(lastAt) };
}

/** Throws when the table holds what no release of ours has written. */
export function parseSpec(stored: unknown): ScheduleSpec {
  const spec = storedSpec.parse(stored);
  if (spec.kind === 'at' || spec.kind === 'instants') return readRule(spec);
  const { startAt, endAt, counted, calendars, ...unbounded } = spec;
  if (followsRuns(unbounded)) return { ...unbounded, ...readBounds({ startAt, endAt, counted, calendars }) };
  const read =
    unbounded.kind === 'anyOf' ? { ...unbounded, specs: unbounded.specs.map(readRule) } : readRule(unbounded);
  return { ...read, ...readBounds({ startAt, endAt, counted, calendars }) };
}

function readRule(stored: z.output<typeof rule>): Rule {
  switch (stored.kind) {
    case 'cron': {
      const { clockChanges, ...rest } = stored;
      return { ...rest, ...(clockChanges === undefined ? {} : { clockChanges }) };
    }
    case 'every':
    case 'rrule':
      return { ...stored, anchorAt: new Date(stored.anchorAt) };
    case 'at':
      return { ...stored, at: new Date(stored.at) };
    case 'instants':
      return { ...stored, instants: stored.instants.map((text) => new Date(text)) };
  }
}

/** Null when it can't be read. */
export function readSpec(stored: unknown): ScheduleSpec | null {
  return storedSpec.safeParse(stored).success ? parseSpec(stored) : null;
}
