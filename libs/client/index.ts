// What do users import from 'carillon'? Jobs, handlers and the types of what a handler is given. It brings no
// database and no framework along.
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
export type { ExportedHandler, HandlerOptions } from './handler.js';
export { JobHandler } from './job-handler.js';
export type { StandardSchemaV1 } from './standard-schema.js';
