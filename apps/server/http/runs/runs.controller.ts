// The routes that list, create and read runs.
import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Database } from '#database/connection.js';
import type { NamedJob, TenantAndJob } from '#execution/intake/assumed-jobs.js';
import { RunIntake } from '#execution/intake/run-intake.js';
import { findRun, listRuns, scanEnd, type RunPage } from '#execution/runs/run-pages.repository.js';
import type { RunRow } from '#execution/runs/run-row.js';
import { asId, type RunId } from '#kernel/ids.js';
import { findSchedule } from '#scheduling/schedules/schedule.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentStay, CurrentTenant, NamesJobType, type LongStay } from '../access/auth.guard.js';
import { Idempotent, Writes, type Writing } from '../access/idempotency.js';
import { JobCheck } from '../job-types/job-check.js';
import { CurrentJob } from '../access/named-tenants.js';
import { PageTokens } from '../answers/page-token.js';
import { notFound, revokedMeanwhile } from '../problems/problem.js';
import { dateOf, refusalOf, wantedOf } from './run-requests.js';
import * as shapes from './run.shapes.js';
import { RunWaiters } from './run-waiters.js';
import { ApiTenant, pageOf, uuid } from '../requests/shapes.js';
import { TenantShares } from '../access/tenant-shares.js';

const OWNER_HEADER = 'Carillon-Owner';

@ApiTags('runs')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/runs')
export class RunsController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly check: JobCheck,
    private readonly intake: RunIntake<Tenant>,
    private readonly waiters: RunWaiters,
    private readonly shares: TenantShares,
    private readonly replica: ReplicaService,
  ) {}

  @Get()
  @ApiOperation({
    operationId: 'listRuns',
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
      createdAfter: dateOf(given.createdAfter) ?? null,
      createdBefore: dateOf(given.createdBefore) ?? null,
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
  @ApiOperation({
    operationId: 'createRun',
    summary: 'Create a run',
    description: 'Once acknowledged it is never lost.',
  })
  @ApiCreatedResponse({ standardSchema: shapes.createdRun })
  @ApiOkResponse({
    description: 'A run held the unique key.',
    standardSchema: shapes.createdRun,
  })
  async create(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: shapes.runInput }) input: shapes.RunInput,
    @CurrentJob() job: NamedJob<Tenant> | null,
    @Writes() writing: Writing,
    @Res({ passthrough: true }) response: Response,
  ) {
    if (job === null) throw new Error('expected the job type of a body that fits its schema, got none');
    const check = (named: TenantAndJob<Tenant>) => this.check.problemOf(named.tenant, named.jobType, input);
    const taken = await this.intake.takeLone(job, { wanted: wantedOf(input), check }, writing);
    if (!('row' in taken)) throw refusalOf(taken, tenant.name, input.unique?.key);
    response.setHeader('Location', `/api/v1/tenants/${tenant.name}/runs/${taken.row.id}`);
    if (taken.kind !== 'created') response.status(200);
    const owner = this.replica.ownerUrl(tenant.slot);
    if (owner !== null) response.setHeader(OWNER_HEADER, owner);
    return {
      ...shapes.showRun(taken.row),
      deduplicated: taken.kind !== 'created',
      replaced: taken.kind === 'replaced',
    };
  }

  @Get(':run')
  @ApiOperation({ operationId: 'getRun', summary: 'Read a run, at once or when it has ended' })
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

  async #find(tenant: Tenant, id: RunId): Promise<RunRow> {
    const found = await findRun(this.db, { tenantId: tenant.id, id });
    if (found === undefined) throw notFound('run', id);
    return found;
  }
}
