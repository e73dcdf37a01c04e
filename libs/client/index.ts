// What do users import from 'carillon'? Jobs, handlers, workers that pull, and the types of what a handler is given. It
// brings no database and no framework along.
export { defineJob } from './job-definition.js';
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
} from './job-definition.js';
export { handler } from './handler.js';
export type { ExportedHandler, HandlerOptions, ThreadContext } from './handler.js';
export { bulkEnqueue, enqueue } from './enqueue.js';
export type { BulkRun, EnqueueOptions } from './enqueue.js';
export { JobHandler } from './job-handler.js';
export { CancelRun, ClaimLost, FatalError, RetryAt, snooze } from './outcomes.js';
export { InvalidPayloadError } from './payload-check.js';
export { remoteHandler, runWorker } from './run-worker.js';
export type { NamedHandler, RunningWorker, WorkerOptions } from './run-worker.js';
export type { RemoteContext } from './leased-attempt.js';
export type { StandardSchemaV1 } from './standard-schema.js';
