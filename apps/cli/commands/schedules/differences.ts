// What would a file change in a schedule? A field that the file leaves out would get its default, so it is compared with
// that. The API itself decides what changes: this is for people to read, before they apply it.
import { isDeepStrictEqual } from 'node:util';
import type { ClientSchedule } from '#client/http/schedules/schedule-shapes.js';
import { DEFAULT_CATCH_UP } from '#scheduling/decisions/catch-up.js';
import { secondsOfEvery } from '#scheduling/decisions/every-text.js';
import { plainRrule } from '#scheduling/decisions/rrule/rrule-text.js';
import type { Content } from './files.js';

export interface Difference {
  readonly field: string;
  readonly is: unknown;
  readonly wanted: unknown;
}

const NONE = null;
const RUNS_CAUGHT_UP_MAX = 100;
const DEFAULTS: Readonly<Record<string, unknown>> = {
  timeZone: 'UTC',
  startAt: NONE,
  endAt: NONE,
  maxFires: NONE,
  calendars: NONE,
  clockChanges: {},
  catchUp: DEFAULT_CATCH_UP,
  overlap: { mode: 'allow' },
  pauseAfterFailures: NONE,
  jitterSeconds: NONE,
  payload: {},
  queue: 'default',
  concurrencyKey: NONE,
  tags: [],
  priority: 0,
  deadlineSeconds: NONE,
  locks: [],
  labels: {},
};
/** What the API shows of a schedule to which they do not apply. */
const MEANINGLESS: ReadonlySet<string> = new Set(['timeZone', 'clockChanges']);

export function differencesOf(content: Content, current: ClientSchedule): Difference[] {
  const { name: _, ...said } = content;
  const wanted: Record<string, unknown> = { ...DEFAULTS, ...said };
  return Object.entries(wanted).flatMap(([field, value]) => {
    const is: unknown = Reflect.get(current, field);
    if (is === null && MEANINGLESS.has(field)) return [];
    const whole = completed(field, value);
    return isDeepStrictEqual(whole, is) ? [] : [{ field, is, wanted: whole }];
  });
}

/** As the API shows it. */
function completed(field: string, value: unknown): unknown {
  switch (field) {
    case 'spec':
      return specOf(value as Record<string, unknown>); // it has been checked
    case 'startAt':
    case 'endAt':
      return instantOf(value);
    case 'jitterSeconds':
      return value === 0 ? null : value;
    case 'clockChanges':
      return { gap: 'after', repeat: 'first', ...(value as object) };
    case 'catchUp':
      return catchUpOf(value as { mode: string });
    case 'overlap': {
      const policy = value as { mode: string };
      return policy.mode === 'queue' ? { max: 1, ...policy } : policy;
    }
    default:
      return value;
  }
}

function catchUpOf(given: { mode: string }): object {
  if (given.mode === 'none') return given;
  const bounds = given.mode === 'all' ? { max: RUNS_CAUGHT_UP_MAX } : {};
  return { withinSeconds: DEFAULT_CATCH_UP.withinSeconds, ...bounds, ...given };
}

function specOf({ anyOf, ...rule }: Record<string, unknown>): object {
  if (Array.isArray(anyOf)) return { anyOf: anyOf.map((each: Record<string, unknown>) => specOf(each)) };
  const { cron, rrule, at, afterSuccessOf } = rule;
  if (afterSuccessOf !== undefined) return { delaySeconds: 0, ...rule };
  if (typeof cron === 'string') {
    const everySeconds = secondsOfEvery(cron);
    return everySeconds === null ? rule : { everySeconds };
  }
  if (typeof rrule === 'string') return { rrule: plainRrule(rrule) };
  if (at === undefined) return rule;
  return { at: Array.isArray(at) ? at.map(instantOf).toSorted(inOrder) : instantOf(at) };
}

function inOrder(a: unknown, b: unknown): number {
  return String(a) < String(b) ? -1 : 1;
}

function instantOf(value: unknown): unknown {
  return typeof value === 'string' ? new Date(value).toISOString() : value;
}
