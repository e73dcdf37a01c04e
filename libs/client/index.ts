// The exports of 'carillon': jobs, handlers, workers that pull, and the types of a handler's arguments. They load no
// database driver and no framework.
export { defineJob } from '#client/jobs/job-definition.js';
export type {
  Job,
  JobContext,
  JobDefinition,
  JobHandlerFunction,
  JobLog,
  JobOf,
  JobOptions,
  LogLevel,
  RetryOptions,
} from '#client/jobs/job-definition.js';
export type { JobSchedule, PreviousFire, ScheduleRule } from '#client/jobs/job-schedules.js';
export { handler } from '#client/jobs/handler.js';
export type { ExportedHandler, HandlerOptions, ThreadContext } from '#client/jobs/handler.js';
export { bulkEnqueue, enqueue } from '#client/jobs/enqueue.js';
export type { BulkRun, EnqueueOptions } from '#client/jobs/enqueue.js';
export type { DebounceOptions, OverlapOptions } from '#client/jobs/enqueue-options.js';
export { lockClient } from '#client/locks/locks.js';
export type { LockClient, LockClientOptions, Locked, LockOptions, LockWish } from '#client/locks/locks.js';
export type { HeldLocks } from '#client/locks/held-locks.js';
export { LockLost, LockNotAcquired } from '#client/locks/lock-errors.js';
export { createClient } from '#client/http/client.js';
export type { Client } from '#client/http/client.js';
export type { CallOptions, KeyedOptions, RevisionOptions } from '#client/http/call-options.js';
export type { ClientOptions } from '#client/http/client-options.js';
export type { ClientBulkRun, ClientEnqueueOptions, EnqueueAllOptions } from '#client/http/runs/run-body.js';
export type { ClientLogLine, LogOptions } from '#client/http/runs/run-logs.js';
export type { ResultOptions } from '#client/http/runs/run-results.js';
export type { ClientJob, ClientRun, EnqueuedRun, RefusedRun, RunId } from '#client/http/runs/run-shapes.js';
export type { ClientHold, ClientLock, ClientLocks, ForceReleaseOptions } from '#client/http/lock-calls.js';
export type { ClientOperation, ClientOperations, WaitOptions } from '#client/http/operations.js';
export type {
  BackfillCount,
  BackfillOptions,
  ClientSchedules,
  ManyOptions,
  PauseOptions,
  PreviewOptions,
  ResumeOptions,
  RunNowOptions,
} from '#client/http/schedules/schedules.js';
export type {
  ClientSchedule,
  ScheduleContent,
  ScheduleDraft,
  ScheduleExplanation,
  ScheduleFilter,
  ScheduleFire,
  SchedulePatch,
  SchedulePreview,
} from '#client/http/schedules/schedule-shapes.js';
export { ApiProblem, NoAnswer } from '#client/http/api-problem.js';
export { JobHandler } from '#client/jobs/job-handler.js';
export { CancelRun, ClaimLost, FatalError, RetryAt, snooze } from '#client/jobs/outcomes.js';
export { InvalidPayloadError } from '#client/jobs/payload-check.js';
export { remoteHandler, runWorker } from '#client/worker/run-worker.js';
export type { NamedHandler, RunningWorker, WorkerOptions } from '#client/worker/run-worker.js';
export { CallFailed } from '#client/worker/worker-calls.js';
export type { RemoteContext, SharedContext } from '#client/worker/remote-handler.js';
export type { StandardSchemaV1 } from '#client/jobs/standard-schema.js';
