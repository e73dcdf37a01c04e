// The route by which a worker tells which schedules its code defines.
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { CurrentCaller, CurrentTenant, WhileSuspended, WorkersToo } from '../access/auth.guard.js';
import { ApiTenant } from '../requests/shapes.js';
import { AGAIN_SECONDS, CodeSchedules } from './code-schedules.js';
import { defined, definitionsInput, type DefinitionsInput } from './definitions.shapes.js';

/** For a worker that defines none: what it has ceased to define is paused a little later. */
const SELDOM_SECONDS = 60;

@ApiTags('workers')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/worker')
export class DefinitionsController {
  constructor(private readonly schedules: CodeSchedules) {}

  @Post('schedules\\:define')
  @WhileSuspended()
  @WorkersToo()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'defineSchedules',
    summary: "Tell which schedules the worker's code defines",
    description: 'They are made and changed, and those that no living worker defines any more are paused.',
  })
  @ApiOkResponse({ standardSchema: defined })
  async define(
    @CurrentTenant() tenant: Tenant,
    @CurrentCaller() caller: string,
    @Body({ schema: definitionsInput }) input: DefinitionsInput,
  ) {
    const isPlain = input.jobTypes.every(({ schedules }) => schedules.length === 0);
    const refused = await this.schedules.define(tenant, input, `code, by ${caller}`);
    return { againSeconds: isPlain ? SELDOM_SECONDS : AGAIN_SECONDS, refused };
  }
}
