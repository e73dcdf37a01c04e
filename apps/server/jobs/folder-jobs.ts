// Registers the handlers of the folder CARILLON_HANDLERS, after the application's own handlers and before it listens.
// Their threads end after the drain.
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { ThreadPool } from '#execution/targets/threads/thread-pool.js';
import type { ServerConfig } from '../settings/config.js';
import { LoopTimers } from '../loop-timers.js';
import { CONFIG } from '../tokens.js';
import { loadHandlerFolder, placeOf, twice } from './handler-folder.js';

/** How long a thread may go on after it was asked to stop. */
const GRACE_MS = 2_000;

@Injectable()
export class FolderJobs implements OnApplicationBootstrap, OnApplicationShutdown {
  #threads: ThreadPool | null = null;

  constructor(
    @Inject(CONFIG) private readonly config: ServerConfig,
    private readonly registry: HandlerRegistry,
    private readonly timers: LoopTimers,
    private readonly logger: PinoLogger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const folder = this.config.CARILLON_HANDLERS;
    if (folder === undefined) return;
    const threads = new ThreadPool({
      threads: this.config.CARILLON_THREADS,
      memoryMb: this.config.CARILLON_THREAD_MEMORY_MB,
      graceMs: GRACE_MS,
      rest: (name, ms) => this.timers.rest(name, ms),
      hooksUrl: new URL(`./carillon-import${import.meta.url.slice(-3)}`, import.meta.url).href,
      onStray: (error) => this.logger.error({ err: error }, 'a thread ended between two attempts'),
    });
    this.#threads = threads;
    for (const found of await loadHandlerFolder(folder)) {
      const { definition, handle, thread, file, moduleUrl } = found;
      if (this.registry.find(definition.name) !== undefined)
        throw twice(definition.name, placeOf(found), 'the application itself');
      const job = definition.name;
      this.registry.register({
        definition,
        handle: thread ? ({ payload }, context) => threads.run({ moduleUrl, job, payload }, context) : handle,
      });
      this.logger.info({ job, file, thread }, 'registered a handler');
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#threads?.close();
  }
}
