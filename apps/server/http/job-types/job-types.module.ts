// The routes of job types and of the secrets that sign their calls. The check of a payload against its job type is
// shared with the routes of runs, schedules and workers.
import { Module } from '@nestjs/common';
import { JobCheck } from './job-check.js';
import { JobTypesController } from './job-types.controller.js';
import { PutJobTypeController } from './put-job-type.controller.js';
import { TargetCheck } from './target-check.js';
import { WebhookSecretsController } from './webhook-secrets.controller.js';

@Module({
  controllers: [JobTypesController, PutJobTypeController, WebhookSecretsController],
  providers: [JobCheck, TargetCheck],
  exports: [JobCheck],
})
export class JobTypesModule {}
