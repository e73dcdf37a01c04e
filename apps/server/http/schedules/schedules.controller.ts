// The routes that list, create, change, pause and delete schedules.
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
import { listSchedules, type Schedule } from '#scheduling/schedules/schedule.repository.js';
import {
  changeSchedule,
  createSchedule,
  deleteSchedule,
  type ChangeResult,
} from '#scheduling/schedules/schedules.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentStay, CurrentTenant, WhileSuspended, type LongStay } from '../access/auth.guard.js';
import { GateTurns } from '../access/tenant-turns.js';
import type { Turn } from '../access/request-turns.js';
import { ApiIfMatch, etagOf, revisionOf, staleRevision } from '../answers/etag.js';
import { Idempotent, Writes, type Writing } from '../access/idempotency.js';
import { JobCheck } from '../job-types/job-check.js';
import { PageTokens } from '../answers/page-token.js';
import { nameTaken, notFound, ownerHangs, ProblemError } from '../problems/problem.js';
import { Counts } from './computing/counts.js';
import { refuseKeyBesideOverlap } from './overlap.shapes.js';
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
  @ApiOperation({ summary: "List the tenant's schedules, by name" })
  @ApiOkResponse({ standardSchema: pageOf(shapes.schedule) })
  async list(
    @CurrentTenant() tenant: Tenant,
    @Query({ schema: shapes.listQuery }) { pageSize, pageToken }: shapes.ListQuery,
  ) {
    const filter = { schedulesOf: tenant.id };
    const { rows, isCut } = await listSchedules(this.db, {
      tenantId: tenant.id,
      afterName: this.pages.open(pageToken, filter),
      limit: pageSize + 1,
    });
    return this.pages.page(rows, {
      size: pageSize,
      isCut,
      filter,
      keyOf: (row) => row.name,
      show: shapes.showSchedule,
    });
  }

  @Post()
  @Idempotent()
  @ApiOperation({ summary: 'Create a schedule' })
  @ApiCreatedResponse({ standardSchema: shapes.schedule })
  async create(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: shapes.scheduleInput }) input: shapes.ScheduleInput,
    @Writes() { db, afterwards }: Writing,
    @Res({ passthrough: true }) response: Response,
  ) {
    refuseKeyBesideOverlap(input);
    await this.jobs.require(tenant, input, db);
    const spec = await requireCounted(this.counts, specOf(input, await databaseTime(db)));
    const { name, jobType, payload, catchUp } = input;
    const result = await inTransaction(db, async (tx) => {
      await requireRoom(tx, tenant, { name: 'maxSchedules' });
      const runOptions = shapes.runOptionsOf(input);
      const wanted = { name, jobType, payload, spec, catchUp, runOptions };
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
        return this.#show(result.schedule, response);
    }
  }

  @Get(':schedule')
  @ApiOperation({ summary: 'Read a schedule' })
  @ApiOkResponse({ standardSchema: shapes.schedule })
  async read(
    @CurrentTenant() tenant: Tenant,
    @Param('schedule', { schema: resourceName }) name: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return this.#show(await requireSchedule(this.db, tenant, name), response);
  }

  @Patch(':schedule')
  @ApiConsumes('application/merge-patch+json', 'application/json')
  @ApiIfMatch()
  @ApiOperation({
    summary:
      'Change a schedule (JSON Merge Patch); planned runs of the old version that are not claimed are withdrawn',
  })
  @ApiOkResponse({ standardSchema: shapes.schedule })
  async patch(
    @CurrentTenant() tenant: Tenant,
    @Param('schedule', { schema: resourceName }) name: string,
    @Body({ schema: shapes.schedulePatch }) patch: shapes.SchedulePatch,
    @CurrentStay() { turn }: LongStay,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ) {
    const revision = revisionOf(ifMatch);
    const result = await this.edits.make(tenant, { name, revision, patch, turn });
    return this.#changed(result, { name, revision, verb: 'edited' }, response);
  }

  @Post(':schedule\\:pause')
  @WhileSuspended()
  @HttpCode(200)
  @ApiOperation({ summary: 'Pause a schedule: due times are recorded as skipped until it is resumed' })
  @ApiOkResponse({ standardSchema: shapes.schedule })
  pause(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Param('schedule', { schema: resourceName }) name: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return this.#steer(tenant, { name, kind: 'pause', turn, response });
  }

  @Post(':schedule\\:resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Resume a paused schedule' })
  @ApiOkResponse({ standardSchema: shapes.schedule })
  resume(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Param('schedule', { schema: resourceName }) name: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    return this.#steer(tenant, { name, kind: 'resume', turn, response });
  }

  @Delete(':schedule')
  @WhileSuspended()
  @ApiIfMatch()
  @HttpCode(204)
  @ApiOperation({
    summary:
      'Delete a schedule; its ledger (by its id) and its finished runs stay until their retention ends',
  })
  async delete(
    @CurrentTenant() tenant: Tenant,
    @CurrentStay() { turn }: LongStay,
    @Param('schedule', { schema: resourceName }) name: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    const revision = revisionOf(ifMatch);
    const result = await this.gate.act(tenant, turn, () =>
      deleteSchedule(this.db, { tenant, name, revision }),
    );
    switch (result.kind) {
      case 'not-found':
        throw notFound('schedule', name);
      case 'stale':
        throw staleRevision({ current: result.currentRevision, sent: revision });
      case 'owner-hangs':
        throw ownerHangs();
      case 'deleted':
        return this.replica.hintPlan();
    }
  }

  async #steer(
    tenant: Tenant,
    {
      name,
      kind,
      turn,
      response,
    }: { name: string; kind: 'pause' | 'resume'; turn: Turn; response: Response },
  ) {
    const result = await this.gate.act(tenant, turn, () =>
      changeSchedule(this.db, { tenant, name, revision: null }, { kind }),
    );
    return this.#changed(result, { name, revision: null, verb: `${kind}d` }, response);
  }

  #changed(
    result: ChangeResult,
    { name, revision, verb }: { name: string; revision: number | null; verb: string },
    response: Response,
  ) {
    switch (result.kind) {
      case 'not-found':
        throw notFound('schedule', name);
      case 'stale':
        throw staleRevision({ current: result.currentRevision, sent: revision });
      case 'invalid-state':
        throw new ProblemError(
          'invalid-state',
          `expected a schedule that can be ${verb}, got one whose state is ${result.state}`,
          { currentState: result.state },
        );
      case 'invalid-spec':
        throw invalidSpec(result);
      case 'owner-hangs':
        throw ownerHangs();
      case 'changed':
        this.replica.hintPlan();
        return this.#show(result.schedule, response);
    }
  }

  #show(schedule: Schedule, response: Response) {
    response.setHeader('ETag', etagOf(schedule.revision));
    return shapes.showSchedule(schedule);
  }
}
