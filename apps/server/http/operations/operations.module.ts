// The routes of operations.
import { Module } from '@nestjs/common';
import { LongOperationsController } from './operations.controller.js';

@Module({ controllers: [LongOperationsController] })
export class OperationsModule {}
