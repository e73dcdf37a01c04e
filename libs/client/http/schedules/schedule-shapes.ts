// The shapes of schedules, and of what is known about their due times. Instants are texts in answers, and may be Dates in
// requests.
import type { JobSchedule, ScheduleRule } from '#client/jobs/job-schedules.js';
import type { LockWish } from '#client/options/lock-wishes.js';

/** A schedule as `defineJob` takes it: the fields of its spec stand beside the others. */
export type ScheduleContent<Input = unknown> = Omit<JobSchedule<Input>, 'tenants'>;

type SpecField = keyof ScheduleRule | 'anyOf' | 'afterSuccessOf' | 'delaySeconds';
type TimeField =
  'timeZone' | 'clockChanges' | 'startAt' | 'endAt' | 'maxFires' | 'calendars' | 'jitterSeconds';

/** What says when a schedule would be due. */
export type ScheduleDraft = Pick<JobSchedule, SpecField | TimeField>;

type Options = Omit<ScheduleContent, SpecField | 'name' | 'payload' | 'labels'>;

/**
 * A change: what it names is changed, and null stands for the default. A spec replaces the old one. Payload, labels,
 * calendars and clockChanges are merged.
 */
export type SchedulePatch = Pick<ScheduleContent, SpecField> & {
  [Field in keyof Options]?: Options[Field] | null;
} & {
  jobType?: string;
  /** A field that is null is removed. */
  payload?: Readonly<Record<string, unknown>> | null;
  /** One that is null is removed. */
  labels?: Readonly<Record<string, string | null>> | null;
};

interface ShownRule {
  readonly cron?: string;
  readonly everySeconds?: number;
  readonly rrule?: string;
  readonly at?: string | readonly string[];
}

/** A schedule, as the API shows it. */
export interface ClientSchedule {
  /** The `scheduleId` of its runs; finds its ledger once it is deleted. */
  readonly id: string;
  readonly name: string;
  readonly state: 'active' | 'paused' | 'ended';
  readonly pausedAt: string | null;
  /** Null when the pause lasts until the schedule is resumed. */
  readonly pausedUntil: string | null;
  readonly pauseReason: string | null;
  /** Null where the replica's version can't read the stored one. */
  readonly spec:
    | (ShownRule & {
        readonly anyOf?: readonly ShownRule[];
        readonly afterSuccessOf?: string;
        readonly delaySeconds?: number;
      })
    | null;
  /** The spec in words. */
  readonly text: string | null;
  readonly timeZone: string | null;
  readonly clockChanges: { readonly gap: 'after' | 'skip'; readonly repeat: 'first' | 'both' } | null;
  readonly startAt: string | null;
  readonly endAt: string | null;
  readonly maxFires: number | null;
  readonly calendars: { readonly include?: readonly string[]; readonly exclude?: readonly string[] } | null;
  readonly catchUp: {
    readonly mode: 'none' | 'latest' | 'all';
    readonly withinSeconds?: number;
    readonly max?: number;
  } | null;
  readonly overlap: { readonly mode: 'allow' | 'skip' | 'queue' | 'replace'; readonly max?: number };
  readonly pauseAfterFailures: number | null;
  readonly jitterSeconds: number | null;
  /** So many of its last runs failed one after the other, at most 100. */
  readonly consecutiveFailures: number;
  readonly jobType: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly queue: string;
  readonly concurrencyKey: string | null;
  readonly tags: readonly string[];
  readonly priority: number;
  readonly deadlineSeconds: number | null;
  readonly locks: readonly Required<LockWish>[];
  readonly labels: Readonly<Record<string, string>>;
  /** Null when no due time will come, or none is known. */
  readonly nextDueAt: string | null;
  /** The run, or the schedule, from which its next due time follows. */
  readonly waitsFor: string | null;
  /** What code defines can be changed there alone. */
  readonly source: 'api' | 'code';
  readonly removedFromCodeAt: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Grows with each change. */
  readonly revision: number;
}

/** All must match. */
export interface ScheduleFilter {
  /** Null stands for any value. */
  labels?: Readonly<Record<string, string | null>>;
  state?: ClientSchedule['state'];
  jobType?: string;
  /** A part of the name, in any case. */
  q?: string;
}

export interface SchedulePreview {
  /** The spec in words. */
  readonly text: string;
  readonly dueTimes: readonly {
    readonly dueAt: string;
    /** Then, or later by the jitter; null for a draft with one. */
    readonly startsAt: string | null;
    /** As the clock of the schedule's zone shows it. */
    readonly local: string;
    /** How far that clock was set forward since the due time before, or back, below 0. */
    readonly clockSetSeconds: number | null;
  }[];
  /** False when more will come: ask again with `after`, the last of these. */
  readonly isComplete: boolean;
}

/** What became of one due time. */
export interface ScheduleFire {
  readonly dueAt: string;
  readonly firstDueAt: string;
  readonly count: number;
  readonly startsAt: string;
  readonly outcome: 'planned' | 'fired' | 'late' | 'skipped' | 'coalesced' | 'missed';
  readonly reason: string | null;
  readonly runId: string | null;
  readonly term: number;
  readonly plannedAt: string;
  readonly startedAt: string | null;
  readonly latenessMs: number | null;
}

export interface ScheduleExplanation {
  readonly at: string;
  /** By the present spec. */
  readonly isDue: boolean;
  readonly dueBefore: string | null;
  readonly dueAfter: string | null;
  readonly fire: ScheduleFire | null;
  readonly text: string;
}
