// The routes that list, create and read runs.
import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Database } from '#database/connection.js';
import type { Enqueued } from '#execution/intake/enqueue.js';
import { findRun, listRuns, scanEnd, type RunPage } from '#execution/runs/run-pages.repository.js';
import type { RunRow } from '#execution/runs/run-row.js';
import { asId, type RunId } from '#kernel/ids.js';
import { findSchedule } from '#scheduling/schedules/schedule.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import {
  CurrentJob,
  CurrentStay,
  CurrentTenant,
  NamesJobType,
  type LongStay,
  type NamedJob,
} from '../access/auth.guard.js';
import { Idempotent, Writes, type Writing } from '../access/idempotency.js';
import { JobCheck } from '../job-types/job-check.js';
import { KnownJobs } from '../access/known-jobs.js';
import { PageTokens } from '../answers/page-token.js';
import { notFound, revokedMeanwhile } from '../problems/problem.js';
import { problemOf, RunIntake } from './run-intake.js';
import * as shapes from './run.shapes.js';
import { RunWaiters } from './run-waiters.js';
import { ApiTenant, pageOf, uuid } from '../requests/shapes.js';
import type { TenantAndJob } from '../access/tenant-and-job.repository.js';
import { TenantShares } from '../access/tenant-shares.js';

interface Taken {
  kind: Enqueued['kind'];
  row: RunRow;
}

@ApiTags('runs')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/runs')
export class RunsController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly check: JobCheck,
    private readonly jobs: KnownJobs,
    private readonly intake: RunIntake,
    private readonly waiters: RunWaiters,
    private readonly shares: TenantShares,
  ) {}

  @Get()
  @ApiOperation({
    summary: "List the tenant's runs, newest first",
    description:
      'Filters by schedule, creation time, or a state in which something went wrong find runs at once. Filters by other states, queue, jobType or tag scan up to 10,000 runs a page: such a page may be short or empty and still have a nextPageToken.',
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
      scheduleId: filter.scheduleId,
      state: given.state ?? null,
      queue: given.queue ?? null,
      jobType: given.jobType ?? null,
      tag: given.tag ?? null,
      createdAfter: dateOf(given.createdAfter),
      createdBefore: dateOf(given.createdBefore),
      beforeId: token === null ? null : asId.run(token),
      fromId: null,
      limit: pageSize + 1,
    };
    const lookedUntil = await scanEnd(this.db, page);
    const { rows, isCut } = await listRuns(this.db, { ...page, fromId: lookedUntil });
    return this.pages.page(rows, {
      size: pageSize,
      isCut,
      filter,
      keyOf: (row) => row.id,
      show: shapes.showRun,
      lookedUntil,
    });
  }

  @Post()
  @Idempotent()
  @NamesJobType()
  @ApiOperation({ summary: 'Create a run; once acknowledged it is never lost' })
  @ApiCreatedResponse({ standardSchema: shapes.createdRun })
  @ApiOkResponse({ description: 'A run held the unique key.', standardSchema: shapes.createdRun })
  async create(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: shapes.runInput }) input: shapes.RunInput,
    @CurrentJob() job: NamedJob | null,
    @Writes() writing: Writing,
    @Res({ passthrough: true }) response: Response,
  ) {
    if (job === null) throw new Error('expected the job type of a body that fits its schema, got none');
    const taken =
      (job.isAssumed ? await this.#takeAssumed(job, input, writing) : null) ??
      (await this.#take(await this.#readAgain(job, input, writing), input, writing));
    response.setHeader('Location', `/api/v1/tenants/${tenant.name}/runs/${taken.row.id}`);
    if (taken.kind !== 'created') response.status(200);
    return {
      ...shapes.showRun(taken.row),
      deduplicated: taken.kind !== 'created',
      replaced: taken.kind === 'replaced',
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
    @CurrentStay() { turn, isStillAllowed }: LongStay,
  ) {
    const id = asId.run(run);
    const found = await this.#find(tenant, id);
    if (wait === 0 || found.finishedAt !== null) return shapes.showRun(found);
    const hungUp = (then: () => void) => (response.closed ? then() : response.once('close', then));
    await this.shares.whileHeld(tenant, 'maxWaits', () =>
      turn.away(() => this.waiters.wait(id, { ms: wait * 1_000, hungUp })),
    );
    if (!(await isStillAllowed())) throw revokedMeanwhile();
    return shapes.showRun(await this.#find(tenant, id));
  }

  /** Null when the assumed rows no longer hold, or would have the run refused. */
  async #takeAssumed(job: NamedJob, input: shapes.RunInput, writing: Writing): Promise<Taken | null> {
    if ((await this.check.problemOf(job.tenant, job.jobType, input)) !== null) return null;
    const row = await this.intake.takeAssumed(job, input, writing);
    return row && { kind: 'created', row };
  }

  async #readAgain(job: NamedJob, { jobType }: shapes.RunInput, { db }: Writing): Promise<TenantAndJob> {
    if (!job.isAssumed) return job;
    const { name, id } = job.tenant;
    const found = await this.jobs.read({ tenant: name, jobType }, db);
    // The key was checked against the assumed tenant.
    if (found?.tenant.id !== id) throw notFound('tenant', name);
    return found;
  }

  async #take({ tenant, jobType }: TenantAndJob, input: shapes.RunInput, writing: Writing): Promise<Taken> {
    const refused = await this.check.problemOf(tenant, jobType, input);
    if (refused !== null) throw refused;
    const { result, row, quota } = await this.intake.takeOne(tenant, { input, jobType }, writing);
    const problem = problemOf(result, input.unique?.key, quota);
    if (problem !== null || result.kind === 'over-quota') throw problem ?? new Error('expected a problem');
    const found = row ?? (await findRun(writing.db, { tenantId: tenant.id, id: result.id }));
    // The unique key outlived its run's retention.
    if (found === undefined) throw problemOf({ ...result, kind: 'key-taken' }, input.unique?.key, null);
    return { kind: result.kind, row: found };
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
