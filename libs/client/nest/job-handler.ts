// The decorator of handlers in a worker: the same mark as in a replica, on methods that ask for nothing which only a
// replica has.
import type { JobDefinition, RemoteContext } from '#client/index.js';
import { markHandler, type HandlesBy } from '#client/jobs/job-handler.js';

/**
 * Makes the method of a provider the handler of the job; its result is the run's output. A method whose context is a
 * `SharedContext` works in a replica, too.
 */
export function JobHandler<Payload, Input, Output>(
  definition: JobDefinition<Payload, Input, Output>,
): HandlesBy<Payload, Output, RemoteContext> {
  return markHandler(definition);
}
