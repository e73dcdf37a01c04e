// The routes that list, create, change and delete schedules.
import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConsumes,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { inTransaction, type Database } from '#database/connection.js';
import { databaseTime } from '#database/time.repository.js';
import {
  isEverySchedule,
  listSchedules,
  lookedUntilName,
} from '#scheduling/schedules/schedule-list.repository.js';
import { createSchedule, deleteSchedule } from '#scheduling/schedules/schedules.js';
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
import { ApiIfMatch, revisionOf } from '../answers/etag.js';
import { Idempotent, Writes, type Writing } from '../access/idempotency.js';
import { JobCheck } from '../job-types/job-check.js';
import { requireSemaphores } from '../job-types/lock-check.js';
import { PageTokens } from '../answers/page-token.js';
import { nameTaken } from '../problems/problem.js';
import { answerOf, answerWith, problemOf } from './change-answers.js';
import { Counts } from './computing/counts.js';
import { filterOfQuery } from './filters/filter.shapes.js';
import { refuseKeyBesideOverlap } from './policies/overlap.shapes.js';
import { requireCounted, requireSchedule } from './require-schedule.js';
import { ScheduleEdits } from './schedule-edits.js';
import * as shapes from './schedule.shapes.js';
import { invalidSpec, specOf } from './spec.shapes.js';
import { ApiTenant, pageOf, resourceName } from '../requests/shapes.js';
import { requireRoom } from '../access/tenant-shares.js';

@ApiTags('schedules')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/schedules')
export class SchedulesController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly replica: ReplicaService,
    private readonly jobs: JobCheck,
    private readonly edits: ScheduleEdits,
    private readonly gate: GateTurns,
    private readonly counts: Counts,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listSchedules',
    summary: "List the tenant's schedules, by name",
    description:
      'With a filter a page looks at 10,000 schedules, and may be short or empty before the last one.',
  })
  @ApiOkResponse({ standardSchema: pageOf(shapes.schedule) })
  async list(
    @CurrentTenant() tenant: Tenant,
    @Query({ schema: shapes.listQuery }) { pageSize, pageToken, ...query }: shapes.ListQuery,
  ) {
    const wanted = filterOfQuery(query);
    const isWhole = isEverySchedule(wanted);
    const filter = { schedulesOf: tenant.id, ...(isWhole ? {} : { wanted }) };
    const afterName = this.pages.open(pageToken, filter);
    const place = { tenantId: tenant.id, afterName };
    const lastName = isWhole ? null : await lookedUntilName(this.db, place);
    const page = { ...place, filter: wanted, lastName, limit: pageSize + 1 };
    const { rows, isCut } = await listSchedules(this.db, page);
    return this.pages.page(rows, {
      size: pageSize,
      isCut,
      lookedUntil: lastName,
      filter,
      keyOf: (row) => row.name,
      show: shapes.showSchedule,
    });
  }

  @Post()
  @Idempotent()
  @ApiOperation({ operationId: 'createSchedule', summary: 'Create a schedule' })
  @ApiCreatedResponse({ standardSchema: shapes.schedule })
  async create(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: shapes.scheduleInput }) input: shapes.ScheduleInput,
    @Writes() { db, afterwards }: Writing,
    @CurrentCaller() by: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    refuseKeyBesideOverlap(input);
    await this.jobs.require(tenant, input, db);
    await requireSemaphores(db, tenant, { locks: input.locks, pointer: '/locks' });
    const spec = await requireCounted(this.counts, specOf(input, await databaseTime(db)), { db, tenant });
    const { name, jobType, payload, catchUp } = input;
    const result = await inTransaction(db, async (tx) => {
      await requireRoom(tx, tenant, { name: 'maxSchedules' });
      const runOptions = shapes.runOptionsOf(input, input.labels);
      const wanted = { name, jobType, payload, spec, catchUp, runOptions, by };
      const created = await createSchedule(tx, tenant, wanted);
      if (created.kind !== 'name-taken') return created;
      // Thrown inside: a transaction with a refused statement can't commit.
      throw nameTaken(name);
    });
    switch (result.kind) {
      case 'invalid-spec':
        throw invalidSpec(result);
      case 'created':
        response.setHeader('Location', `/api/v1/tenants/${tenant.name}/schedules/${input.name}`);
        afterwards(() => this.replica.hintPlan());
        return answerWith(result.schedule, response);
    }
  }

  @Get(':schedule')
  @ApiOperation({ operationId: 'getSchedule', summary: 'Read a schedule' })
  @ApiOkResponse({ standardSchema: shapes.schedule })
  async read(
    @CurrentTenant() tenant: Tenant,
    @Param('schedule', { schema: resourceName }) name: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return answerWith(await requireSchedule(this.db, tenant, name), response);
  }

  @Patch(':schedule')
  @ApiConsumes('application/merge-patch+json', 'application/json')
  @ApiIfMatch()
  @ApiOperation({
    operationId: 'updateSchedule',
    summary: 'Change a schedule (JSON Merge Patch)',
    description: 'Planned runs of the old version that are not claimed are withdrawn.',
  })
  @ApiOkResponse({ standardSchema: shapes.schedule })
  async patch(
    @CurrentTenant() tenant: Tenant,
    @Param('schedule', { schema: resourceName }) name: string,
    @Body({ schema: shapes.schedulePatch }) patch: shapes.SchedulePatch,
    @CurrentStay() { turn }: LongStay,
    @Headers('if-match') ifMatch: string | undefined,
    @CurrentCaller() by: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const revision = revisionOf(ifMatch);
    const result = await this.edits.make(tenant, { name, revision, patch, turn, by });
    const shown = answerOf(result, { name, revision, verb: 'edited' }, response);
    this.replica.hintPlan();
    return shown;
  }

  @Delete(':schedule')
  @WhileSuspended()
  @ApiIfMatch()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'deleteSchedule',
    summary: 'Delete a schedule',
    description: 'Its ledger (by its id) and its finished runs stay until their retention ends.',
  })
  async delete(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Param('schedule', { schema: resourceName }) name: string,
    @Headers('if-match') ifMatch: string | undefined,
    @CurrentCaller() by: string,
  ): Promise<void> {
    const revision = revisionOf(ifMatch);
    const result = await this.gate.act(tenant, turn, () =>
      deleteSchedule(this.db, { tenant, name, revision, by }),
    );
    if (result.kind !== 'deleted') throw problemOf(result, { name, revision, verb: 'deleted' });
    this.replica.hintPlan();
  }
}
