// The routes of tenants and their keys.
import { Module } from '@nestjs/common';
import { AdminKeysController, ApiKeysController } from './api-keys.controller.js';
import { PutTenantController } from './put-tenant.controller.js';
import { ResumeController } from './resume.controller.js';
import { TenantsController } from './tenants.controller.js';

@Module({
  controllers: [
    TenantsController,
    PutTenantController,
    ResumeController,
    ApiKeysController,
    AdminKeysController,
  ],
})
export class TenancyModule {}
