// What can be done with runs?
import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Database } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { findRun, insertRun, listRuns, type RunRow } from '#execution/run.repository.js';
import { asId, type RunId } from '#kernel/ids.js';
import { findSchedule } from '#scheduling/schedule.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../replica/replica-service.js';
import { API_DATABASE } from '../tokens.js';
import { CurrentTenant } from './auth.guard.js';
import { JobCheck } from './job-check.js';
import { PageTokens } from './page-token.js';
import { notFound } from './problem.js';
import * as shapes from './run.shapes.js';
import { RunWaiters } from './run-waiters.js';
import { ApiTenant, pageOf, uuid } from './shapes.js';

@ApiTags('runs')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/runs')
export class RunsController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly replica: ReplicaService,
    private readonly jobs: JobCheck,
    private readonly waiters: RunWaiters,
  ) {}

  @Get()
  @ApiOperation({ summary: "List the tenant's runs, newest first" })
  @ApiOkResponse({ standardSchema: pageOf(shapes.run) })
  async list(@CurrentTenant() tenant: Tenant, @Query({ schema: shapes.runsQuery }) query: shapes.RunsQuery) {
    const { state = null, schedule: name } = query;
    const schedule = name === undefined ? null : await findSchedule(this.db, { tenantId: tenant.id, name });
    if (schedule === undefined) throw notFound('schedule', name ?? '');
    const scheduleId = schedule?.id ?? null;
    const filter = { runsOf: tenant.id, state, scheduleId };
    const token = this.pages.open(query.pageToken, filter);
    const beforeId = token === null ? null : asId.run(token);
    const rows = await listRuns(this.db, {
      tenantId: tenant.id,
      id: null,
      scheduleId,
      state,
      beforeId,
      limit: query.pageSize + 1,
    });
    return this.pages.page(rows, {
      size: query.pageSize,
      filter,
      keyOf: (row) => row.id,
      show: shapes.showRun,
    });
  }

  @Post()
  @ApiOperation({ summary: 'Create a run; once acknowledged it is never lost' })
  @ApiCreatedResponse({ standardSchema: shapes.run })
  async create(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: shapes.runInput }) input: shapes.RunInput,
    @Res({ passthrough: true }) response: Response,
  ) {
    await this.jobs.require(tenant, input);
    const id = asId.run(randomUUIDv7());
    const runAt = input.runAt === undefined ? null : new Date(input.runAt);
    await insertRun(this.db, {
      id,
      tenantId: tenant.id,
      slot: tenant.slot,
      jobType: input.jobType,
      queue: input.queue,
      concurrencyKey: input.concurrencyKey ?? null,
      tags: input.tags,
      payload: input.payload,
      priority: input.priority,
      runAt,
      deadline: input.deadline === undefined ? null : new Date(input.deadline),
    });
    this.replica.hintWork([tenant.slot]);
    response.setHeader('Location', `/api/v1/tenants/${tenant.name}/runs/${id}`);
    return shapes.showRun(await this.#find(tenant, id));
  }

  @Get(':run')
  @ApiOperation({ summary: 'Read a run, at once or when it has ended' })
  @ApiOkResponse({ standardSchema: shapes.run })
  async read(
    @CurrentTenant() tenant: Tenant,
    @Param('run', { schema: uuid }) run: string,
    @Query({ schema: shapes.waitQuery }) { wait }: shapes.WaitQuery,
    @Res({ passthrough: true }) response: Response,
  ) {
    const id = asId.run(run);
    const found = await this.#find(tenant, id);
    if (wait === 0 || found.finishedAt !== null) return shapes.showRun(found);
    await this.waiters.wait(id, {
      ms: wait * 1_000,
      hungUp: (then) => (response.closed ? then() : response.once('close', then)),
    });
    return shapes.showRun(await this.#find(tenant, id));
  }

  async #find(tenant: Tenant, id: RunId): Promise<RunRow> {
    const found = await findRun(this.db, { tenantId: tenant.id, id });
    if (found === undefined) throw notFound('run', id);
    return found;
  }
}
