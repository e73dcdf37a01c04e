// Declares the handlers of a class: one decorated method per job, typed by its definition.
import type { Job, JobContext, JobDefinition } from './job-definition.js';

const HANDLED_JOB = Symbol.for('carillon.handled-job');

/**
 * Makes the method the handler of the job; its result is the run's output. Only Carillon's own server looks for it.
 * In your own application it does nothing: export `handler(…)` in CARILLON_HANDLERS or call `runWorker` there.
 */
export function JobHandler<Payload>(definition: JobDefinition<Payload>) {
  return <Method extends (job: Job<Payload>, context: JobContext) => unknown>(
    _target: object,
    _name: string | symbol,
    { value }: TypedPropertyDescriptor<Method>,
  ): void => {
    if (value !== undefined) Object.defineProperty(value, HANDLED_JOB, { value: definition });
  };
}

/** The definition that a method was decorated with, if any. */
export function handledJob(method: unknown): JobDefinition<unknown> | undefined {
  if (typeof method !== 'function') return undefined;
  // Only the decorator above writes this property.
  return (method as { [HANDLED_JOB]?: JobDefinition<unknown> })[HANDLED_JOB];
}
