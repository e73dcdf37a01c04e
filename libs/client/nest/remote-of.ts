// How does a handler that was written for a replica run in a worker? With the worker's context, in which the two parts
// that need the runs' database refuse, by a sentence and for good, instead of not being there.
import {
  FatalError,
  remoteHandler,
  type ExportedHandler,
  type JobContext,
  type NamedHandler,
  type RemoteContext,
} from '#client/index.js';

type Handling = Pick<ExportedHandler, 'definition' | 'handle'>;

export function remoteOf({ definition, handle }: Handling): NamedHandler {
  return remoteHandler(definition, (job, context) => handle(job, withRefusals(definition.name, context)));
}

function withRefusals(job: string, context: RemoteContext): JobContext {
  const refuse = (part: string, instead: string) => () =>
    Promise.reject(
      new FatalError(`expected ${part} of ${job} to be called in a replica, got a worker: ${instead}`),
    );
  return Object.assign(context, {
    completeInTx: refuse('completeInTx', 'it has no connection to the database of the runs'),
    enqueue: refuse('enqueue', 'inject CarillonClient, and call its enqueue'),
  });
}
