// The jobs that this process can run itself, with one handler for each name. Two handlers for one name are a mistake
// that is better found at start than in production.
import { ConfigError } from '#kernel/errors.js';
import type { JobDefinition, JobHandlerFunction } from '#client/jobs/job-definition.js';

export interface RegisteredHandler {
  definition: JobDefinition<unknown>;
  handle: JobHandlerFunction<unknown>;
}

export class HandlerRegistry {
  readonly #handlers = new Map<string, RegisteredHandler>();

  /** Throws ConfigError when the name has a handler already. */
  register(handler: RegisteredHandler): void {
    const { name } = handler.definition;
    if (this.#handlers.has(name)) throw new ConfigError(`expected one handler for job ${name}, got two`);
    this.#handlers.set(name, handler);
  }

  find(name: string): RegisteredHandler | undefined {
    return this.#handlers.get(name);
  }

  all(): RegisteredHandler[] {
    return [...this.#handlers.values()];
  }
}
