// The route that applies a whole schedule: afterwards the schedule is as the request says, and has the default where it
// says nothing. So the same file can be applied again and again, and only what differs changes something. How a schedule
// is paused is no part of what it says, and stays.
import { Body, Controller, Headers, Param, Put, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { CurrentCaller, CurrentStay, CurrentTenant, type LongStay } from '../access/auth.guard.js';
import { ApiApplies, isStar, revisionOf } from '../answers/etag.js';
import { refuseOtherName } from '../problems/problem.js';
import { ApiTenant } from '../requests/shapes.js';
import { answerOf, answerWith } from '../schedules/change-answers.js';
import * as shapes from '../schedules/schedule.shapes.js';
import { ScheduleApply } from './schedule-apply.js';

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/schedules')
export class ApplyController {
  constructor(
    private readonly replica: ReplicaService,
    private readonly schedules: ScheduleApply,
  ) {}

  @Put(':schedule')
  @ApiApplies()
  @ApiOperation({
    operationId: 'putSchedule',
    summary: 'Create or replace a schedule',
    description: 'What is left out has its default; the same content again changes nothing.',
  })
  @ApiCreatedResponse({ standardSchema: shapes.schedule })
  @ApiOkResponse({ standardSchema: shapes.schedule })
  async apply(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Param('schedule', { schema: shapes.newName }) name: string,
    @Body({ schema: shapes.scheduleApplied }) input: shapes.ScheduleApplied,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @CurrentCaller() by: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    refuseOtherName(input.name, name);
    const revision = ifMatch === undefined ? null : revisionOf(ifMatch);
    const mayReplace = !isStar(ifNoneMatch);
    const result = await this.schedules.make(tenant, {
      name,
      input,
      source: 'api',
      revision,
      mayCreate: ifMatch === undefined,
      mayReplace,
      turn,
      by,
    });
    switch (result.kind) {
      case 'same':
        return answerWith(result.schedule, response);
      case 'created':
        response.status(201).setHeader('Location', `/api/v1/tenants/${tenant.name}/schedules/${name}`);
        this.replica.hintPlan();
        return answerWith(result.schedule, response);
      default: {
        const shown = answerOf(result, { name, revision, verb: 'replaced' }, response);
        this.replica.hintPlan();
        return shown;
      }
    }
  }
}
