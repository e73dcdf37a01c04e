// How does a module say which jobs it handles, without any framework? It exports what this function returns; every
// export of that kind in the folder CARILLON_HANDLERS is registered when a replica starts.
import { expectDefinition, expectFunction, expectKnownOptions } from '#client/options/known-options.js';
import type { Job, JobContext, JobDefinition, JobHandlerFunction } from './job-definition.js';

export interface HandlerOptions {
  /**
   * True runs each attempt in a thread of its own, where it may compute without holding other runs up and can be ended
   * in any case. Payload and output cross by structured clone. A thread has no connection to the database, so
   * there is no `completeInTx` in it; everything else of the context is there.
   */
  thread?: boolean;
}

export interface ExportedHandler {
  readonly kind: 'job-handler';
  readonly definition: JobDefinition<unknown>;
  readonly handle: JobHandlerFunction<unknown>;
  readonly thread: boolean;
}

/** What a handler in a thread is given: all but `completeInTx`, since a transaction can't leave its connection's thread. */
export type ThreadContext = Omit<JobContext, 'completeInTx'>;

/** What the function returns is the run's output. */
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

/** Looks at the form alone: a module may have brought its own copy of this one. */
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
