// What can be done with runs?
import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Database } from '#database/connection.js';
import { findRun, listRuns, scanEnd, type RunPage } from '#execution/run.repository.js';
import type { RunRow } from '#execution/run-row.js';
import { asId, type RunId } from '#kernel/ids.js';
import { findSchedule } from '#scheduling/schedule.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../tokens.js';
import { CurrentTenant } from './auth.guard.js';
import { Idempotent, Writes, type Writing } from './idempotency.js';
import { JobCheck } from './job-check.js';
import { PageTokens } from './page-token.js';
import { notFound } from './problem.js';
import { problemOf, RunIntake } from './run-intake.js';
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
    private readonly jobs: JobCheck,
    private readonly intake: RunIntake,
    private readonly waiters: RunWaiters,
  ) {}

  @Get()
  @ApiOperation({
    summary: "List the tenant's runs, newest first",
    description:
      'By schedule, creation time, or a state in which something went wrong it finds runs at once. For other states, queue, jobType and tag it looks at up to 10,000 runs a page: such a page may be short or empty and still have a nextPageToken.',
  })
  @ApiOkResponse({ standardSchema: pageOf(shapes.run) })
  async list(@CurrentTenant() tenant: Tenant, @Query({ schema: shapes.runsQuery }) query: shapes.RunsQuery) {
    const { pageSize, pageToken, schedule: name, ...given } = query;
    const schedule = name === undefined ? null : await findSchedule(this.db, { tenantId: tenant.id, name });
    if (schedule === undefined) throw notFound('schedule', name ?? '');
    const filter = { runsOf: tenant.id, scheduleId: schedule?.id ?? null, ...given };
    const token = this.pages.open(pageToken, filter);
    const page: RunPage = {
      tenantId: tenant.id,
      id: null,
      scheduleId: filter.scheduleId,
      state: given.state ?? null,
      queue: given.queue ?? null,
      jobType: given.jobType ?? null,
      tag: given.tag ?? null,
      createdAfter: dateOf(given.createdAfter),
      createdBefore: dateOf(given.createdBefore),
      beforeId: token === null ? null : asId.run(token),
      limit: pageSize + 1,
    };
    const lookedUntil = await scanEnd(this.db, page);
    const rows = await listRuns(this.db, { ...page, fromId: lookedUntil });
    return this.pages.page(rows, {
      size: pageSize,
      filter,
      keyOf: (row) => row.id,
      show: shapes.showRun,
      lookedUntil,
    });
  }

  @Post()
  @Idempotent()
  @ApiOperation({ summary: 'Create a run; once acknowledged it is never lost' })
  @ApiCreatedResponse({ standardSchema: shapes.createdRun })
  @ApiOkResponse({ description: 'A run held the unique key.', standardSchema: shapes.createdRun })
  async create(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: shapes.runInput }) input: shapes.RunInput,
    @Writes() writing: Writing,
    @Res({ passthrough: true }) response: Response,
  ) {
    await this.jobs.require(tenant, input, writing.db);
    const { results, maxQueued } = await this.intake.take(tenant, [input], writing);
    const [result = { kind: 'over-quota' as const }] = results;
    const problem = problemOf(result, input.unique?.key, maxQueued);
    if (problem !== null || result.kind === 'over-quota') throw problem ?? new Error('expected a problem');
    const found = await findRun(writing.db, { tenantId: tenant.id, id: result.id });
    // Its window outlives its retention.
    if (found === undefined) throw problemOf({ ...result, kind: 'key-taken' }, input.unique?.key, null);
    response.setHeader('Location', `/api/v1/tenants/${tenant.name}/runs/${result.id}`);
    if (result.kind !== 'created') response.status(200);
    return {
      ...shapes.showRun(found),
      deduplicated: result.kind !== 'created',
      replaced: result.kind === 'replaced',
    };
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

function dateOf(instant: string | undefined): Date | null {
  return instant === undefined ? null : new Date(instant);
}
