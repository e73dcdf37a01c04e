// The routes by which workers outside of the replicas take leases, send their heartbeats and end them.
import { Module } from '@nestjs/common';
import { JobTypesModule } from '../job-types/job-types.module.js';
import { LeaseController } from './lease.controller.js';
import { LeaseWaiters } from './lease-waiters.js';
import { WorkerController } from './worker.controller.js';

@Module({
  imports: [JobTypesModule],
  controllers: [WorkerController, LeaseController],
  providers: [LeaseWaiters],
})
export class WorkersModule {}
