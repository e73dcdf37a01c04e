// The routes that pause and resume a schedule.
import { Body, Controller, HttpCode, Inject, Param, Post, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Database } from '#database/connection.js';
import { changeSchedule, type ScheduleChange } from '#scheduling/schedules/schedules.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import {
  CurrentCaller,
  CurrentStay,
  CurrentTenant,
  WhileSuspended,
  type LongStay,
} from '../access/auth.guard.js';
import { GateTurns } from '../access/tenant-turns.js';
import { ApiTenant, resourceName } from '../requests/shapes.js';
import * as shapes from '../schedules/schedule.shapes.js';
import { answerOf } from '../schedules/change-answers.js';
import { pauseInput, resumeInput, type PauseInput, type ResumeInput } from './pauses.shapes.js';

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/schedules')
export class PausesController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly replica: ReplicaService,
    private readonly gate: GateTurns,
  ) {}

  @Post(':schedule\\:pause')
  @WhileSuspended()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'pauseSchedule',
    summary: 'Pause a schedule',
    description:
      'Due times are recorded as skipped until it is resumed, or until an instant; a paused one gets the new reason and end.',
  })
  @ApiOkResponse({ standardSchema: shapes.schedule })
  async pause(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() stay: LongStay,
    @Param('schedule', { schema: resourceName }) name: string,
    @Body({ schema: pauseInput }) { reason, until }: PauseInput,
    @CurrentCaller() by: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const end = until === undefined || until === null ? null : new Date(until);
    return this.#make(tenant, { name, change: { kind: 'pause', reason, until: end }, stay, by, response });
  }

  @Post(':schedule\\:resume')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'resumeSchedule',
    summary: 'Resume a paused schedule',
    description: 'What was due in the pause stays skipped, unless it is caught up on.',
  })
  @ApiOkResponse({ standardSchema: shapes.schedule })
  async resume(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() stay: LongStay,
    @Param('schedule', { schema: resourceName }) name: string,
    @Body({ schema: resumeInput }) { catchUp }: ResumeInput,
    @CurrentCaller() by: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return this.#make(tenant, { name, change: { kind: 'resume', catchUp }, stay, by, response });
  }

  async #make(
    tenant: Tenant,
    {
      name,
      change,
      stay: { turn },
      by,
      response,
    }: { name: string; change: ScheduleChange; stay: LongStay; by: string; response: Response },
  ) {
    const result = await this.gate.act(tenant, turn, () =>
      changeSchedule(this.db, { tenant, name, revision: null, by }, change),
    );
    const shown = answerOf(result, { name, revision: null, verb: `${change.kind}d` }, response);
    this.replica.hintPlan();
    if (change.kind === 'resume' && change.catchUp === true) this.replica.hintWork([tenant.slot]);
    return shown;
  }
}
