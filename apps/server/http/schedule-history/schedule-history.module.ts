// The routes of what became of a schedule and of its due times.
import { Module } from '@nestjs/common';
import { systemClock } from '#database/runtime/system-clock.js';
import { AuditController } from './audit.controller.js';
import { Audits } from './audits.js';
import { LedgerController } from './ledger.controller.js';
import { RevisionsController } from './revisions.controller.js';

@Module({
  controllers: [AuditController, LedgerController, RevisionsController],
  providers: [{ provide: Audits, useFactory: () => new Audits(systemClock) }],
})
export class ScheduleHistoryModule {}
