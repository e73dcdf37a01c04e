// Registers schedules that code defines. It stands without the rest of the API, since a replica that serves no requests
// has handlers, too.
import { Module, type DynamicModule } from '@nestjs/common';
import { systemClock } from '#database/runtime/system-clock.js';
import { JobCheck } from '../job-types/job-check.js';
import { ScheduleApply } from '../schedule-actions/schedule-apply.js';
import { Counts } from '../schedules/computing/counts.js';
import { ScheduleEdits } from '../schedules/schedule-edits.js';
import { CodeSchedules } from './code-schedules.js';
import { DefinitionsController } from './definitions.controller.js';
import { HandlerSchedules } from './handler-schedules.js';

@Module({})
export class CodeSchedulesModule {
  static of({ servesApi }: { servesApi: boolean }): DynamicModule {
    return {
      module: CodeSchedulesModule,
      controllers: servesApi ? [DefinitionsController] : [],
      providers: [
        JobCheck,
        { provide: Counts, useFactory: () => new Counts(systemClock) },
        ScheduleEdits,
        ScheduleApply,
        CodeSchedules,
        HandlerSchedules,
      ],
    };
  }
}
