// Declares the handlers of a class: one decorated method per job, typed by its definition. Nest finds them in its
// providers: in a replica, and in a worker by `carillon/nest`, whose decorator differs in the context's type alone.
import { expectDefinition } from '#client/options/known-options.js';
import type { Job, JobContext, JobDefinition } from './job-definition.js';

const HANDLED_JOB = Symbol.for('carillon.handled-job');

export type HandlesBy<Payload, Output, Context> = <
  Method extends (job: Job<Payload>, context: Context) => Output | Promise<Output>,
>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/**
 * Makes the method the handler of the job; its result is the run's output. A replica finds it in the providers of its
 * Nest application, and so does `CarillonModule` of `carillon/nest`, in a worker.
 */
export function JobHandler<Payload, Input, Output>(
  definition: JobDefinition<Payload, Input, Output>,
): HandlesBy<Payload, Output, JobContext> {
  return markHandler(definition);
}

/** The decorator itself, without a type for the context. */
export function markHandler<Payload, Input, Output>(
  definition: JobDefinition<Payload, Input, Output>,
): (target: object, name: string | symbol, descriptor: { value?: unknown }) => void {
  expectDefinition(definition);
  return (target, name, descriptor) => {
    const { value } = (descriptor as typeof descriptor | undefined) ?? {};
    // No instance would have it, so that it would never be found. Decorators of another kind pass no descriptor.
    if (typeof target === 'function' || typeof value !== 'function')
      throw new TypeError(
        `expected @JobHandler(${definition.name}) on a method that is not static, and experimentalDecorators in tsconfig.json, got ${typeof target === 'function' ? 'a static one or other decorators' : 'no method'} (${typeof name === 'object' ? 'no name' : String(name)})`,
      );
    Object.defineProperty(value, HANDLED_JOB, { value: definition });
  };
}

/** The definition that a method was decorated with, if any. */
export function handledJob(method: unknown): JobDefinition<unknown> | undefined {
  if (typeof method !== 'function') return undefined;
  // Only the decorator above writes this property.
  return (method as { [HANDLED_JOB]?: JobDefinition<unknown> })[HANDLED_JOB];
}
