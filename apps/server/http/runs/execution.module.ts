// The routes of runs, their queues and their logs, and the loops on which those routes wait.
import { Module } from '@nestjs/common';
import { JobTypesModule } from '../job-types/job-types.module.js';
import { RunLogFollowers } from '../logs/run-log-followers.js';
import { RunLogsController } from '../logs/run-logs.controller.js';
import { QueuesController } from './queues.controller.js';
import { RunActionsController } from './run-actions.controller.js';
import { RunBatchesController } from './run-batches.controller.js';
import { RunIntake } from './run-intake.js';
import { RunWaiters } from './run-waiters.js';
import { RunsController } from './runs.controller.js';

@Module({
  imports: [JobTypesModule],
  controllers: [
    RunsController,
    RunLogsController,
    QueuesController,
    RunBatchesController,
    RunActionsController,
  ],
  providers: [RunIntake, RunLogFollowers, RunWaiters],
})
export class ExecutionModule {}
