// The routes of tenants and their keys.
import { Module } from '@nestjs/common';
import { AdminKeysController, ApiKeysController } from './api-keys.controller.js';
import { TenantsController } from './tenants.controller.js';

@Module({ controllers: [TenantsController, ApiKeysController, AdminKeysController] })
export class TenancyModule {}
