// Declares a handler without any framework: a module exports what `handler` returns. A replica registers every such
// export in the folder CARILLON_HANDLERS when it starts.
import { expectDefinition, expectFunction, expectKnownOptions } from '#client/options/known-options.js';
import type { Job, JobContext, JobDefinition, JobHandlerFunction } from './job-definition.js';

export interface HandlerOptions {
  /**
   * True runs each attempt in a thread of its own, where a long computation delays no other run and can always be
   * ended. Payload and output cross by structured clone. A thread has no connection to the database, so its context
   * has everything but `completeInTx`.
   */
  thread?: boolean;
}

export interface ExportedHandler {
  readonly kind: 'job-handler';
  readonly definition: JobDefinition<unknown>;
  readonly handle: JobHandlerFunction<unknown>;
  readonly thread: boolean;
}

/**
 * The context of a handler in a thread: without `completeInTx`, since a transaction can't leave its connection's
 * thread.
 */
export type ThreadContext = Omit<JobContext, 'completeInTx'>;

/** Pairs a job with its function, whose result is the run's output. */
export function handler<Payload, Input, Output>(
  definition: JobDefinition<Payload, Input, Output>,
  handle: (job: Job<Payload>, context: ThreadContext) => Output | Promise<Output>,
  options: HandlerOptions & { thread: true },
): ExportedHandler;
export function handler<Payload, Input, Output>(
  definition: JobDefinition<Payload, Input, Output>,
  handle: (job: Job<Payload>, context: JobContext) => Output | Promise<Output>,
  options?: HandlerOptions & { thread?: false },
): ExportedHandler;
export function handler<Payload, Input, Output>(
  definition: JobDefinition<Payload, Input, Output>,
  handle: (job: Job<Payload>, context: JobContext) => Output | Promise<Output>,
  options: HandlerOptions = {},
): ExportedHandler {
  expectDefinition(definition);
  expectFunction(`the handler of ${definition.name}`, handle);
  expectKnownOptions(options, ['thread']);
  const { thread = false } = options;
  // The definition's schema lets only its own payloads through to the function.
  return { kind: 'job-handler', definition, handle: handle as JobHandlerFunction<unknown>, thread };
}

/** Checks the form alone: a module may have brought its own copy of this package. */
export function isExportedHandler(value: unknown): value is ExportedHandler {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, definition, handle } = value as Partial<ExportedHandler>;
  return (
    kind === 'job-handler' &&
    typeof handle === 'function' &&
    typeof definition === 'object' &&
    typeof definition.name === 'string'
  );
}
