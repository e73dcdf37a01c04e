// The replica itself: its part in the cluster, its loops and its handlers, and the services that every room of the API
// needs.
import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { Database } from '#database/connection.js';
import type { Installation } from '#database/migrating/installation.repository.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { LeaseTokens } from '#execution/leases/lease-token.js';
import { SchemaChecks } from '#execution/schemas/schema-checks.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { KeyRing } from '#tenancy/api-keys.js';
import type { ServerConfig } from '../settings/config.js';
import { BuiltInJobs } from '../jobs/built-in-jobs.js';
import { FolderJobs } from '../jobs/folder-jobs.js';
import { HandlerExplorer } from '../jobs/handler-explorer.js';
import { KeyUpkeep } from '../upkeep/key-upkeep.js';
import { LoopTimers } from '../loop-timers.js';
import { Maintenance } from '../upkeep/maintenance.js';
import { OperationCarrier } from '../upkeep/operation-carrier.js';
import { API_DATABASE, CONFIG, INSTALLATION } from '../tokens.js';
import { ReplicaService } from './replica-service.js';

export interface ReplicaParts {
  config: ServerConfig;
  /** For the API and housekeeping; the caller ends it. */
  db: Database;
  installation: Installation;
  /** Providers with @JobHandler methods. */
  handlers: Provider[];
  /** Has the handlers that are known already. */
  registry: HandlerRegistry;
}

@Global()
@Module({})
export class ReplicaModule {
  static of({ config, db, installation, handlers, registry }: ReplicaParts): DynamicModule {
    const shared: Provider[] = [
      { provide: CONFIG, useValue: config },
      { provide: API_DATABASE, useValue: db },
      { provide: INSTALLATION, useValue: installation },
      { provide: KeyRing, useFactory: () => new KeyRing(db, systemClock, config.CARILLON_ADMIN_KEY) },
      {
        provide: SchemaChecks,
        inject: [LoopTimers],
        useFactory: (timers: LoopTimers) =>
          new SchemaChecks({ clock: systemClock, rest: (name, ms) => timers.rest(name, ms) }),
      },
      { provide: LeaseTokens, useFactory: () => new LeaseTokens(installation.tokenSecret) },
      { provide: HandlerRegistry, useValue: registry },
      LoopTimers,
      ReplicaService,
    ];
    return {
      module: ReplicaModule,
      imports: [DiscoveryModule],
      providers: [
        ...shared,
        HandlerExplorer,
        FolderJobs,
        KeyUpkeep,
        Maintenance,
        OperationCarrier,
        ...(config.CARILLON_BUILT_IN_JOBS ? [BuiltInJobs] : []),
        ...handlers,
      ],
      exports: shared,
    };
  }
}
