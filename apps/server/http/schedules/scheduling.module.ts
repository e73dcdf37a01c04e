// The routes of schedules and their ledgers.
import { Module } from '@nestjs/common';
import { JobTypesModule } from '../job-types/job-types.module.js';
import { LedgerController } from './ledger.controller.js';
import { ScheduleEdits } from './schedule-edits.js';
import { SchedulesController } from './schedules.controller.js';

@Module({
  imports: [JobTypesModule],
  controllers: [SchedulesController, LedgerController],
  providers: [ScheduleEdits],
})
export class SchedulingModule {}
