// The routes of what is done to a schedule beside changing it.
import { Module } from '@nestjs/common';
import { PausesController } from './pauses.controller.js';

@Module({ controllers: [PausesController] })
export class ScheduleActionsModule {}
