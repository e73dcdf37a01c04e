// A replica's Nest application: the replica itself, the guards and pipes that each request passes, and a module for
// each room of the API.
import { Module, type DynamicModule } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AccessModule } from './http/access/access.module.js';
import { ClusterModule } from './http/cluster/cluster.module.js';
import { HealthController } from './http/cluster/health.controller.js';
import { CodeSchedulesModule } from './http/code-schedules/code-schedules.module.js';
import { JobTypesModule } from './http/job-types/job-types.module.js';
import { ExecutionModule } from './http/runs/execution.module.js';
import { LocksModule } from './http/locks/locks.module.js';
import { OperationsModule } from './http/operations/operations.module.js';
import { ScheduleActionsModule } from './http/schedule-actions/schedule-actions.module.js';
import { CalendarsModule } from './http/calendars/calendars.module.js';
import { ScheduleHistoryModule } from './http/schedule-history/schedule-history.module.js';
import { SchedulingModule } from './http/schedules/scheduling.module.js';
import { TenancyModule } from './http/tenants/tenancy.module.js';
import { WorkersModule } from './http/workers/workers.module.js';
import { ReplicaModule, type ReplicaParts } from './replica/replica.module.js';

const API = [
  TenancyModule,
  JobTypesModule,
  CalendarsModule,
  // Before the next one, whose `:schedule` would take `nightly:audit` for a name.
  ScheduleHistoryModule,
  SchedulingModule,
  ScheduleActionsModule,
  OperationsModule,
  LocksModule,
  ExecutionModule,
  WorkersModule,
  ClusterModule,
];

@Module({})
export class AppModule {
  /** `log` provides PinoLogger. */
  static of({ log, ...parts }: ReplicaParts & { log: DynamicModule }): DynamicModule {
    const { config, installation } = parts;
    return {
      module: AppModule,
      imports: [
        log,
        ScheduleModule.forRoot(),
        ReplicaModule.of(parts),
        AccessModule.of(installation.tokenSecret),
        CodeSchedulesModule.of({ servesApi: config.CARILLON_ROLES.includes('api') }),
        ...(config.CARILLON_ROLES.includes('api') ? API : []),
      ],
      controllers: [HealthController],
    };
  }
}
