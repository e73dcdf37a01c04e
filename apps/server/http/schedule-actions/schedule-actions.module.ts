// The routes of what is done to a schedule beside changing it.
import { Module } from '@nestjs/common';
import { JobTypesModule } from '../job-types/job-types.module.js';
import { ExecutionModule } from '../runs/execution.module.js';
import { SchedulingModule } from '../schedules/scheduling.module.js';
import { ApplyController } from './apply.controller.js';
import { PausesController } from './pauses.controller.js';
import { RunNowController } from './run-now.controller.js';
import { ScheduleApply } from './schedule-apply.js';
import { SkipsController } from './skips.controller.js';

@Module({
  imports: [ExecutionModule, JobTypesModule, SchedulingModule],
  providers: [ScheduleApply],
  controllers: [ApplyController, PausesController, SkipsController, RunNowController],
})
export class ScheduleActionsModule {}
