// What can be done with the schedules of a tenant.
import type { EnqueueableJob } from '#client/jobs/enqueue-options.js';
import type { CallOptions, KeyedOptions, RevisionOptions } from '../call-options.js';
import type { ClientOperation } from '../operations.js';
import type { ClientRun } from '../runs/run-shapes.js';
import type {
  ClientSchedule,
  ScheduleContent,
  ScheduleDraft,
  ScheduleExplanation,
  ScheduleFilter,
  SchedulePatch,
  SchedulePreview,
} from './schedule-shapes.js';

export interface PauseOptions extends CallOptions {
  /** Shown with the schedule. */
  reason?: string;
  /** When the pause ends by itself. Default: it lasts until the schedule is resumed. */
  until?: Date | string;
}

export interface ResumeOptions extends CallOptions {
  /** Makes up for what was due in the pause, as the schedule's `catchUp` says. Default: false. */
  catchUp?: boolean;
}

export interface PreviewOptions extends CallOptions {
  /** How many due times, at most 1,000. Default: 10. */
  count?: number;
  /** Default: now. */
  after?: Date | string;
}

/** What is not given is as in the schedule. */
export interface RunNowOptions extends KeyedOptions {
  payload?: unknown;
  queue?: string;
  concurrencyKey?: string;
  tags?: readonly string[];
  priority?: number;
  deadlineSeconds?: number;
  /** Starts it beside a running run of the schedule, against the schedule's overlap. */
  force?: boolean;
}

export interface BackfillOptions extends KeyedOptions {
  /** Inclusive. */
  from: Date | string;
  /** Exclusive, and not after now. */
  to: Date | string;
  /** At most so many of its runs are unfinished at a time; 1 to 1,000. Default: 10. */
  maxUnfinished?: number;
  /** Default: the schedule's. */
  payload?: unknown;
  /** Only counts. */
  dryRun?: boolean;
}

export interface BackfillCount {
  readonly dueTimes: number;
  /** Of these, how many have run, or are planned. */
  readonly alreadyThere: number;
  readonly wouldRun: number;
}

/** How many schedules are expected to match, which `dryRun` tells. Where another number does, nothing is done. */
export interface ManyOptions extends KeyedOptions {
  expectedCount?: number;
  /** Only counts. */
  dryRun?: boolean;
}

export interface ClientSchedules {
  get(name: string, options?: CallOptions): Promise<ClientSchedule>;
  /** In the order of their names. */
  list(options?: ScheduleFilter & CallOptions): AsyncIterableIterator<ClientSchedule>;
  /** Rejects with an ApiProblem, ALREADY_EXISTS, where there is one of the name. */
  create<Input>(
    job: EnqueueableJob<Input>,
    schedule: ScheduleContent<NoInfer<Input>>,
    options?: KeyedOptions,
  ): Promise<ClientSchedule>;
  /**
   * Creates the schedule, or replaces all that it says; what is left out has its default. The same content again changes
   * nothing, and a pause stays. With `revision` it only replaces.
   */
  apply<Input>(
    job: EnqueueableJob<Input>,
    schedule: ScheduleContent<NoInfer<Input>>,
    options?: RevisionOptions,
  ): Promise<ClientSchedule>;
  /**
   * Changes what the patch names. A function gets the schedule as it is and returns the patch; where another change comes
   * between, it is called again with the new one, ten times at most.
   */
  update(
    name: string,
    patch: SchedulePatch | ((current: ClientSchedule) => SchedulePatch | Promise<SchedulePatch>),
    options?: RevisionOptions,
  ): Promise<ClientSchedule>;
  delete(name: string, options?: RevisionOptions): Promise<void>;
  /** A paused schedule gets the new reason and end. */
  pause(name: string, options?: PauseOptions): Promise<ClientSchedule>;
  /** The call is not repeated: one that is not paused is refused. */
  resume(name: string, options?: ResumeOptions): Promise<ClientSchedule>;
  /** When it will be due; or when a draft would be, without making it. */
  preview(schedule: string | ScheduleDraft, options?: PreviewOptions): Promise<SchedulePreview>;
  /** Runs its job at once, beside its due times, also while it is paused. */
  run(name: string, options?: RunNowOptions): Promise<ClientRun>;
  /** Makes runs for due times that have passed without one: `operations.wait` waits until they are made. */
  backfill(name: string, options: BackfillOptions & { dryRun: true }): Promise<BackfillCount>;
  backfill(name: string, options: BackfillOptions & { dryRun?: false }): Promise<ClientOperation>;
  /** Pauses all that match. */
  pauseAll(
    filter: ScheduleFilter,
    options: ManyOptions & PauseOptions & { dryRun: true },
  ): Promise<{ readonly matching: number }>;
  pauseAll(
    filter: ScheduleFilter,
    options: ManyOptions & PauseOptions & { dryRun?: false; expectedCount: number },
  ): Promise<ClientOperation>;
  /** Resumes all that match. */
  resumeAll(
    filter: ScheduleFilter,
    options: ManyOptions & ResumeOptions & { dryRun: true },
  ): Promise<{ readonly matching: number }>;
  resumeAll(
    filter: ScheduleFilter,
    options: ManyOptions & ResumeOptions & { dryRun?: false; expectedCount: number },
  ): Promise<ClientOperation>;
  /** Why it ran at an instant, or why not. */
  explain(name: string, at: Date | string, options?: CallOptions): Promise<ScheduleExplanation>;
}
