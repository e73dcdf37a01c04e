// What does a replica's Nest application consist of? One module, since there is one of everything: the
// libs hold the parts, and this only says how they are found.
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE, DiscoveryModule } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { LoggerModule } from 'nestjs-pino';
import type { Database } from '#database/connection.js';
import type { Installation } from '#database/installation.repository.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { LeaseTokens } from '#execution/leases/lease-token.js';
import { SchemaChecks } from '#execution/schemas/schema-checks.js';
import { KeyRing } from '#tenancy/api-keys.js';
import type { ServerConfig } from './config.js';
import { AdminKeysController, ApiKeysController } from './http/tenants/api-keys.controller.js';
import { AuthGuard } from './http/access/auth.guard.js';
import { ClusterController } from './http/cluster/cluster.controller.js';
import { HealthController } from './http/cluster/health.controller.js';
import { JobCheck } from './http/job-types/job-check.js';
import { OperationsController } from './http/cluster/operations.controller.js';
import { KnownJobs } from './http/access/known-jobs.js';
import { JobTypesController } from './http/job-types/job-types.controller.js';
import { LeaseController } from './http/workers/lease.controller.js';
import { LeaseWaiters } from './http/workers/lease-waiters.js';
import { NoBodyGuard } from './http/requests/no-body.guard.js';
import { PageTokens } from './http/answers/page-token.js';
import { ProblemFilter } from './http/problems/problem.filter.js';
import { QueuesController } from './http/runs/queues.controller.js';
import { ReadTrustGuard } from './http/access/read-trust.guard.js';
import { RunBatchesController } from './http/runs/run-batches.controller.js';
import { RunIntake } from './http/runs/run-intake.js';
import { RunActionsController } from './http/runs/run-actions.controller.js';
import { RunsController } from './http/runs/runs.controller.js';
import { RunLogFollowers } from './http/logs/run-log-followers.js';
import { RunLogsController } from './http/logs/run-logs.controller.js';
import { RequestTurns } from './http/access/request-turns.js';
import { RunWaiters } from './http/runs/run-waiters.js';
import { SchedulesController } from './http/schedules/schedules.controller.js';
import { SchemaPipe } from './http/requests/schema.pipe.js';
import { TenantShares } from './http/access/tenant-shares.js';
import { TenantsController } from './http/tenants/tenants.controller.js';
import { WebhookSecretsController } from './http/job-types/webhook-secrets.controller.js';
import { WorkerController } from './http/workers/worker.controller.js';
import { BuiltInJobs } from './jobs/built-in-jobs.js';
import { FolderJobs } from './jobs/folder-jobs.js';
import { HandlerExplorer } from './jobs/handler-explorer.js';
import { KeyUpkeep } from './key-upkeep.js';
import { loggerOptions } from './log.js';
import { LoopTimers } from './loop-timers.js';
import { Maintenance } from './maintenance.js';
import { ReplicaService } from './replica/replica-service.js';
import { API_DATABASE, CONFIG, INSTALLATION } from './tokens.js';

export interface AppParts {
  config: ServerConfig;
  /** For the API and housekeeping; ended by whoever made it. */
  db: Database;
  installation: Installation;
  /** Providers with @JobHandler methods. */
  handlers?: Provider[];
}

const API = [
  TenantsController,
  ApiKeysController,
  AdminKeysController,
  JobTypesController,
  SchedulesController,
  RunsController,
  RunLogsController,
  QueuesController,
  RunBatchesController,
  RunActionsController,
  WorkerController,
  LeaseController,
  WebhookSecretsController,
  ClusterController,
  OperationsController,
];

@Module({})
export class AppModule {
  static of({ config, db, installation, handlers = [] }: AppParts): DynamicModule {
    return {
      module: AppModule,
      imports: [LoggerModule.forRoot(loggerOptions(config)), ScheduleModule.forRoot(), DiscoveryModule],
      controllers: [HealthController, ...(config.CARILLON_ROLES.includes('api') ? API : [])],
      providers: [
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
        { provide: PageTokens, useFactory: () => new PageTokens(installation.tokenSecret) },
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_GUARD, useClass: ReadTrustGuard },
        { provide: APP_GUARD, useClass: AuthGuard },
        { provide: APP_GUARD, useClass: NoBodyGuard },
        { provide: APP_PIPE, useClass: SchemaPipe },
        HandlerRegistry,
        JobCheck,
        KnownJobs,
        RunIntake,
        HandlerExplorer,
        FolderJobs,
        KeyUpkeep,
        LeaseWaiters,
        LoopTimers,
        Maintenance,
        ReplicaService,
        RequestTurns,
        RunWaiters,
        RunLogFollowers,
        TenantShares,
        ...(config.CARILLON_BUILT_IN_JOBS ? [BuiltInJobs] : []),
        ...handlers,
      ],
    };
  }
}
