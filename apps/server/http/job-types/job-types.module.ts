// The routes of job types and of the secrets that sign their calls; and the check of a value by a job type's schema,
// which the routes of runs, schedules and workers use.
import { Module } from '@nestjs/common';
import { JobCheck } from './job-check.js';
import { JobTypesController } from './job-types.controller.js';
import { WebhookSecretsController } from './webhook-secrets.controller.js';

@Module({
  controllers: [JobTypesController, WebhookSecretsController],
  providers: [JobCheck],
  exports: [JobCheck],
})
export class JobTypesModule {}
