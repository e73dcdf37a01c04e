// The worker of an application: which handlers does it have, and when does it begin and end? Handlers are found once
// all providers exist, so that a mistake ends the start; it begins in the last hook of the start, and drains in
// the first hook of the end, while what the handlers use is still open if it is closed in a later one.
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { runWorker, type ExportedHandler, type NamedHandler, type RunningWorker } from '#client/index.js';
import { kindOf } from '#client/options/known-options.js';
import { showErrors } from '#client/worker/worker-process.js';
import { CarillonHealth } from './carillon-health.js';
import { handledMethods, refuseTwice, type HandledMethod } from './handled-methods.js';
import { reachOf, OPTIONS, type CarillonOptions } from './options.js';
import { remoteOf } from './remote-of.js';

@Injectable()
export class WorkerRole implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('Carillon');
  #handlers: NamedHandler[] = [];
  #worker: RunningWorker | null = null;
  #isEnding = false;

  constructor(
    @Inject(OPTIONS) private readonly options: CarillonOptions,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(CarillonHealth) private readonly health: CarillonHealth,
  ) {}

  onModuleInit(): void {
    const { worker } = this.options;
    if (worker === false) return;
    const found = handledMethods(this.discovery, this.scanner);
    if (worker === undefined) return refuseUnused(found);
    const given = (worker.handlers ?? []).map(placed);
    refuseTwice([...found, ...given]);
    if (found.length + given.length === 0)
      throw new TypeError(
        'expected a method with @JobHandler in a provider, or worker.handlers, got none; say worker: false if this application has no worker',
      );
    this.#handlers = [
      ...found.map((each) => remoteOf(each)),
      ...given.map((each) => ('kind' in each ? remoteOf(each) : each)),
    ];
  }

  onApplicationBootstrap(): void {
    const { worker } = this.options;
    if (worker === undefined || worker === false) return;
    const { handlers: _given, ...rest } = worker;
    this.#worker = runWorker({
      onError: showErrors({ show: (text) => this.#logger.warn(text) }),
      ...rest,
      ...reachOf(this.options),
      handlers: this.#handlers,
    });
    this.health.note({ worker: 'registering' });
    const jobs = this.#handlers.map(({ definition }) => definition.name).join(', ');
    void this.#worker.ready.then(
      () => this.#onReady(`the worker of tenant ${this.options.tenant} has registered: ${jobs}`),
      () => undefined, // `ended` tells of the same
    );
    void this.#worker.ended.then(
      () => this.#onEnded(null),
      (error: unknown) => this.#onEnded(error),
    );
  }

  async onModuleDestroy(): Promise<void> {
    if (this.#worker === null || this.#isEnding) return;
    this.#isEnding = true;
    this.health.note({ worker: 'draining' });
    this.#logger.log('the worker takes no more runs and finishes those that it has');
    await this.#worker.stop();
    this.#logger.log('the worker has ended');
  }

  #onReady(text: string): void {
    if (this.#isEnding) return;
    this.health.note({ worker: 'running' });
    this.#logger.log(text);
  }

  /** Without a call of ours the API has ended it. An error here must end neither the process nor the drain. */
  #onEnded(error: unknown): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const reason = error === null ? 'an operator has ended it' : (error as Error).message;
    this.health.note({ worker: 'ended', reason });
    this.#logger.error(
      `the worker has ended, and takes no run until the application starts again: ${reason}`,
    );
  }
}

/** A handler whose worker is elsewhere is no mistake, but the runs of one that was forgotten would wait in silence. */
function refuseUnused(found: readonly HandledMethod[]): void {
  const [first] = found;
  if (first === undefined) return;
  throw new TypeError(
    `expected CarillonModule to have a worker for @JobHandler(${first.definition.name}) in ${first.place}, got none: say worker: {} to run it here, or worker: false if it runs in another process`,
  );
}

/** With where it was given, if a worker can run it. */
function placed(handler: ExportedHandler | NamedHandler, index: number) {
  const place = `worker.handlers[${index}]`;
  const { definition, thread } = ((handler as unknown) ?? {}) as Partial<ExportedHandler>;
  if (definition === undefined)
    throw new TypeError(
      `expected ${place} to be made by handler(…) or remoteHandler(…), got ${kindOf(handler)}`,
    );
  if (thread === true)
    throw new TypeError(
      `expected ${place} (${definition.name}) to run in the process, got thread: true, which only a replica's folder CARILLON_HANDLERS has`,
    );
  return { ...handler, place };
}
