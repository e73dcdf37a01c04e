// The schedules of a job, written beside it in code. They are those of the API with the job type left out and with the
// spec's fields beside the others; instants may be Dates.

import { wholeWishes, type LockWish } from '../options/lock-wishes.js';

type Instant = Date | string;

/** Exactly one of these. */
export interface ScheduleRule {
  /** 5 fields, or 6 with seconds first. */
  cron?: string;
  everySeconds?: number;
  /** RFC 5545. */
  rrule?: string;
  at?: Instant | readonly Instant[];
}

export interface JobSchedule<Input = unknown> extends ScheduleRule {
  /** In the form of a job's name. It is the schedule's name in the API, so no two jobs of a tenant may share it. */
  name: string;
  /** Due whenever one of them is; instead of a single rule. */
  anyOf?: readonly ScheduleRule[];
  /** Instead of a rule: due after each success of this schedule, `delaySeconds` later if it says so. */
  afterSuccessOf?: string;
  /** By itself, instead of a rule: due so long after the end of its last run. */
  delaySeconds?: number;
  /** The tenants that have it; needed where a replica runs the handler. A worker's schedules are its own tenant's. */
  tenants?: readonly string[];
  /** An IANA name, for cron and rrule. Default: UTC. */
  timeZone?: string;
  payload?: Input;
  startAt?: Instant;
  endAt?: Instant;
  maxFires?: number;
  clockChanges?: { gap?: 'after' | 'skip'; repeat?: 'first' | 'both' };
  catchUp?: { mode: 'none' | 'latest' | 'all'; withinSeconds?: number; max?: number };
  overlap?: { mode: 'allow' | 'skip' | 'queue' | 'replace'; max?: number };
  pauseAfterFailures?: number;
  /** Its runs start later than they are due, by a stable part of so many seconds. */
  jitterSeconds?: number;
  /** Names of the tenant's calendars. */
  calendars?: { include?: readonly string[]; exclude?: readonly string[] };
  labels?: Readonly<Record<string, string>>;
  queue?: string;
  concurrencyKey?: string;
  tags?: readonly string[];
  priority?: number;
  /** A run expires so long after it was due. */
  deadlineSeconds?: number;
  /** Which each attempt of its runs holds, besides those of the job. Where both name one, this counts. */
  locks?: readonly (string | LockWish)[];
}

/** What became of the schedule's due times before that of a run. */
export interface PreviousFire {
  /** The latest due time before whose run has started; null if there is none. */
  previousDueAt: Date | null;
  /** Due times since then that did not run: skipped, coalesced or missed. */
  missedCount: number;
  /** False when there may be more: beyond the last 10,000, or of an outage that is not decided yet. */
  isComplete: boolean;
}

/** As the API takes it; JSON makes texts of its Dates. */
export function wireSchedule(schedule: JobSchedule): Record<string, unknown> {
  const {
    cron,
    everySeconds,
    rrule,
    at,
    anyOf,
    afterSuccessOf,
    delaySeconds,
    tenants: _,
    locks: named,
    ...rest
  } = schedule;
  const spec = { cron, everySeconds, rrule, at, anyOf, afterSuccessOf, delaySeconds };
  const locks = named && wholeWishes(named);
  const wire: unknown = JSON.parse(JSON.stringify({ ...rest, locks, spec }));
  return wire as Record<string, unknown>; // an object was written
}
