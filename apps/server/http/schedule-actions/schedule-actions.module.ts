// The routes of what is done to a schedule beside changing it.
import { Module } from '@nestjs/common';
import { systemClock } from '#database/runtime/system-clock.js';
import { JobTypesModule } from '../job-types/job-types.module.js';
import { ExecutionModule } from '../runs/execution.module.js';
import { SchedulingModule } from '../schedules/scheduling.module.js';
import { PastDueTimes } from '../schedules/computing/past-due-times.js';
import { ApplyController } from './apply.controller.js';
import { BackfillController } from './backfill.controller.js';
import { BulkPausesController } from './bulk-pauses.controller.js';
import { PausesController } from './pauses.controller.js';
import { RunNowController } from './run-now.controller.js';
import { ScheduleApply } from './schedule-apply.js';
import { SkipsController } from './skips.controller.js';

@Module({
  imports: [ExecutionModule, JobTypesModule, SchedulingModule],
  controllers: [
    BulkPausesController,
    ApplyController,
    PausesController,
    SkipsController,
    RunNowController,
    BackfillController,
  ],
  providers: [ScheduleApply, { provide: PastDueTimes, useFactory: () => new PastDueTimes(systemClock) }],
})
export class ScheduleActionsModule {}
