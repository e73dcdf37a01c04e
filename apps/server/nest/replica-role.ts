// The replica of an application: which handlers does it have, and when does it begin and end? It is a Nest application
// inside of the user's: so the API's guards, pipes and filters meet no route of the user's, and the user's none of ours.
// It waits for its database as any replica does, joins in the last hook of the start, and drains in the first one of the
// end, while what the handlers use is still open if it is closed in a later one.
import type { Server } from 'node:http';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { DiscoveryService, HttpAdapterHost, MetadataScanner } from '@nestjs/core';
import { handledMethods, refuseTwice } from '#client/nest/handled-methods.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { ReplicaService } from '../replica/replica-service.js';
import type { ServerConfig } from '../settings/config.js';
import { startOnceDatabaseAnswers } from '../start-wait.js';
import { CarillonReplica } from './carillon-replica.js';
import { mountApi, type MountedApi } from './mounted-api.js';
import { logByNest, settingUpQuietly } from './nest-log.js';
import { openReplica, type ReplicaApplication } from './replica-application.js';
import type { ReplicaPlan } from './replica-options.js';

export const PLAN = Symbol('carillon.replica-plan');

@Injectable()
export class ReplicaRole implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('Carillon');
  readonly #registry = new HandlerRegistry();
  #replica: ReplicaApplication | null = null;
  #api: MountedApi | null = null;
  readonly #ending = new AbortController();
  /** Not in the constructor, which has its four parameters. */
  @Inject(CarillonReplica) private readonly health!: CarillonReplica;

  constructor(
    @Inject(PLAN) private readonly plan: ReplicaPlan,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    const given = this.plan.handlers.map((each, index) => ({ ...each, place: `handlers[${index}]` }));
    const handlers = [...handledMethods(this.discovery, this.scanner), ...given];
    refuseTwice(handlers);
    for (const each of handlers) this.#registry.register(each);
  }

  async onApplicationBootstrap(): Promise<void> {
    const { config, url, prefix } = this.plan;
    const server = prefix === null ? null : this.#server();
    const replica = await startOnceDatabaseAnswers(
      config,
      (line) => this.#logger.warn(line),
      (settled) => this.#open(settled),
      this.#ending.signal,
    );
    try {
      await settingUpQuietly(() => replica.app.init());
      if (server !== null && prefix !== null)
        this.#api = mountApi(server, prefix, replica.app.getHttpAdapter().getInstance());
      // The application may be closed while its replica still begins, and does not wait for that.
      this.#ending.signal.throwIfAborted();
      await replica.join(url);
      this.#ending.signal.throwIfAborted();
    } catch (error) {
      this.#api?.close();
      await replica.close().catch(() => undefined); // parts that have begun must not go on unknown to the application
      throw error;
    }
    this.#replica = replica;
    const service = replica.app.get(ReplicaService);
    this.health.watch(() => (service.isReady ? 'ready' : 'not-ready'));
  }

  async onModuleDestroy(): Promise<void> {
    this.#ending.abort(new Error('the application was closed before its replica had joined'));
    const replica = this.#replica;
    this.#replica = null;
    if (replica === null) return;
    this.#logger.log('the replica drains, and leaves the cluster');
    try {
      await replica.close();
    } finally {
      this.#api?.close();
      this.health.watch(() => 'ended');
    }
  }

  #open(config: ServerConfig): Promise<ReplicaApplication> {
    return settingUpQuietly(() =>
      openReplica({
        config,
        log: logByNest(config),
        registry: this.#registry,
        prefix: this.plan.prefix ?? '',
        say: (line) => this.#logger.warn(line),
      }),
    );
  }

  /** Undefined in an application without one. */
  #server(): Server {
    const server = (this.host.httpAdapter as typeof this.host.httpAdapter | undefined)?.getHttpServer() as
      Server | undefined;
    if (server !== undefined) return server;
    throw new TypeError(
      'expected an application with an HTTP server (NestFactory.create) to mount the API in, got none; say api: false to leave it out',
    );
  }
}
