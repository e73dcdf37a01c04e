// The routes of what is done to a schedule beside changing it.
import { Module } from '@nestjs/common';
import { SchedulingModule } from '../schedules/scheduling.module.js';
import { PausesController } from './pauses.controller.js';
import { SkipsController } from './skips.controller.js';

@Module({ imports: [SchedulingModule], controllers: [PausesController, SkipsController] })
export class ScheduleActionsModule {}
