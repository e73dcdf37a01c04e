// The routes of schedules.
import { Module } from '@nestjs/common';
import { systemClock } from '#database/runtime/system-clock.js';
import { JobTypesModule } from '../job-types/job-types.module.js';
import { Counts } from './computing/counts.js';
import { ExplainController } from './explain.controller.js';
import { PreviewController } from './preview.controller.js';
import { Previews } from './preview.js';
import { ScheduleEdits } from './schedule-edits.js';
import { SchedulesController } from './schedules.controller.js';

@Module({
  imports: [JobTypesModule],
  // In this order, since `:schedule` would take `nightly:preview` for a name.
  controllers: [PreviewController, ExplainController, SchedulesController],
  providers: [
    ScheduleEdits,
    { provide: Previews, useFactory: () => new Previews(systemClock) },
    { provide: Counts, useFactory: () => new Counts(systemClock) },
  ],
  exports: [Counts, Previews, ScheduleEdits],
})
export class SchedulingModule {}
