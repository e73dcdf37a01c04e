// The routes of runs, their queues and their logs, and the loops on which those routes wait.
import { Module } from '@nestjs/common';
import { systemClock } from '#database/runtime/system-clock.js';
import { AssumedJobs } from '#execution/intake/assumed-jobs.js';
import { RunIntake } from '#execution/intake/run-intake.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { JobTypesModule } from '../job-types/job-types.module.js';
import { RunLogFollowers } from '../logs/run-log-followers.js';
import { RunLogsController } from '../logs/run-logs.controller.js';
import { PreviousFireController } from '../fires/previous-fire.controller.js';
import { BlockedKeysController } from '../blocked-keys/blocked-keys.controller.js';
import { QueuesController } from './queues.controller.js';
import { RunActionsController } from './run-actions.controller.js';
import { RunBatchesController } from './run-batches.controller.js';
import { RunWaiters } from './run-waiters.js';
import { RunsController } from './runs.controller.js';

const intake = {
  provide: RunIntake,
  inject: [AssumedJobs, ReplicaService],
  useFactory: (jobs: AssumedJobs<Tenant>, replica: ReplicaService) =>
    new RunIntake(jobs, replica, systemClock),
};

@Module({
  imports: [JobTypesModule],
  controllers: [
    PreviousFireController,
    RunsController,
    RunLogsController,
    QueuesController,
    RunBatchesController,
    RunActionsController,
    BlockedKeysController,
  ],
  providers: [intake, RunLogFollowers, RunWaiters],
  exports: [intake],
})
export class ExecutionModule {}
